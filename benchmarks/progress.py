"""What showing the progress costs: one disk, with and without it, beside a busy Python thread.

The three take turns: no progress, a callable, and real bars. The bars are written to
nowhere; drawing them costs the same. Run with ``python -m benchmarks.progress``.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect

from nfclease import HttpNfcLease, TransferProgress
from nfclease.simulator import Simulator

from .machines import demo_vm
from .rounds import SHARED_MEMORY

MIB = 1 << 20


class Terminal(io.StringIO):
    """Standard error for which bars are drawn, and which keeps none."""

    def isatty(self) -> bool:
        """So that they are drawn."""
        return True

    def write(self, text: str) -> int:
        """Counts and forgets."""
        return len(text)


def compute(stop: threading.Event) -> None:
    """Holds the GIL as much as CPython lets it."""
    number = 1
    while not stop.is_set():
        for _ in range(1000):
            number = number * 16807 % 2147483647


def export(vm: Any, path: Path, progress: Any) -> float:
    """Seconds of one verified download."""
    with HttpNfcLease(vm.ExportVm()) as lease:
        disk = next(url for url in lease.wait_ready().deviceUrl if url.disk)
        begin = time.perf_counter()
        result = lease.download(disk, path, progress=progress)
        seconds = time.perf_counter() - begin
    assert result.verified == "manifest"
    path.unlink()
    return seconds


def measure(vm: Any, path: Path, rounds: int) -> tuple[dict[str, list[float]], int]:
    """The seconds of each way, and how often the callable was called in all."""
    calls: list[TransferProgress] = []
    ways: dict[str, Callable[[], float]] = {
        "no progress": lambda: export(vm, path, None),
        "a callable": lambda: export(vm, path, calls.append),
        "bars": lambda: export(vm, path, True),
    }
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way())
    return seconds, len(calls)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--disk-mib", type=int, default=1024)
    args = parser.parse_args()
    folder = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    stop = threading.Event()
    with (
        Simulator(disks=1, disk_size=args.disk_mib * MIB) as simulator,
        tempfile.TemporaryDirectory(prefix="nfclease-bench-", dir=folder) as directory,
    ):
        service = simulator.connect()
        vm = demo_vm(service)
        path, stderr = Path(directory, "disk"), sys.stderr
        export(vm, path, None)  # the engine, the simulator's sums
        threading.Thread(target=compute, args=[stop], daemon=True).start()
        sys.stderr = Terminal()
        try:
            seconds, calls = measure(vm, path, args.rounds)
        finally:
            sys.stderr = stderr
            stop.set()
        Disconnect(service)
    base = statistics.median(seconds["no progress"])
    print(f"{args.disk_mib} MiB, {args.rounds} rounds, {calls} calls of the callable in all")
    print(f"{'progress':<14}{'median s':>10}{'min s':>8}{'max s':>8}{'ratio':>8}")
    for name, each in seconds.items():
        median = statistics.median(each)
        print(f"{name:<14}{median:>10.2f}{min(each):>8.2f}{max(each):>8.2f}{median / base:>8.2f}")


if __name__ == "__main__":
    main()
