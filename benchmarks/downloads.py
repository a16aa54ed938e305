"""What a download to an image costs beside the plain download of the same disk.

    python -m benchmarks.downloads [--disk-mib 512] [--rounds 5]      # or: make bench-formats

The simulator is a process of its own; the CPU is that of the process that downloads. The ways take
turns. It never judges a time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from pyVim.connect import Disconnect

from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from .machines import demo_vm
from .rounds import SHARED_MEMORY
from .scenarios import MIB

GIB = 1 << 30
#: CPU-s for each GiB of data that an image may add, by the project's own aim.
MOST_ADDED = 1.6
PLAIN = "the stream"
WAYS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    "raw": {"format": "raw"},
    "qcow2": {"format": "qcow2"},
    "qcow2, transplant": {"format": "qcow2", "qcow2_compression": "transplant"},
}


def download(vm: Any, path: Path, options: dict[str, Any]) -> tuple[float, int]:
    """The CPU seconds of one download, and the bytes of data in the disk."""
    with HttpNfcLease(vm.ExportVm()) as lease:
        [disk] = [url for url in lease.wait_ready().deviceUrl if url.disk]
        begun = time.process_time()
        result = lease.download(disk, path, **options)
        seconds = time.process_time() - begun
    path.unlink()
    return seconds, result.populated_size or result.bytes


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--disk-mib", type=int, default=512)
    args = parser.parse_args()
    folder = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    seconds: dict[str, list[float]] = defaultdict(list)
    with (
        Simulator(disks=1, disk_size=args.disk_mib * MIB) as simulator,
        tempfile.TemporaryDirectory(prefix="nfclease-bench-", dir=folder) as directory,
    ):
        service = simulator.connect()
        machine = demo_vm(service)
        path = Path(directory, "disk")
        _, data = download(machine, path, {})  # the engine, the simulator's sums
        for turn in range(args.rounds):
            for name in list(WAYS)[:: -1 if turn % 2 else 1]:
                seconds[name].append(download(machine, path, WAYS[name])[0])
        Disconnect(service)
    print(f"a download of {args.disk_mib} MiB, {data / GIB:.2f} GiB of data, {args.rounds} rounds")
    print(f"{'to':24} {'CPU-s/GiB of data':>18} {'added':>7}")
    base = median(seconds[PLAIN])
    for name, each in seconds.items():
        cost, added = (value * GIB / data for value in (median(each), median(each) - base))
        print(f"{name:24} {cost:18.2f} {added:7.2f}")
    print(f"added by raw   aim <= {MOST_ADDED:.2f}")


if __name__ == "__main__":
    main()
