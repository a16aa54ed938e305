"""Many streams and many leases in one process: wall time, memory, and the keep-alive.

    python -m benchmarks.many [--rounds 3]           # or: make bench-many

The hosts are limited, as real ones are, but for one row. It never judges a time or a size; every
disk is verified.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from nfclease.simulator import Simulator

from .measure import ENVIRONMENT
from .rounds import SHARED_MEMORY
from .scenarios import MIB
from .server import ROOT

#: What one stream of a host gets.
RATE = 25_000_000
LEASES = 64
#: Slow enough that each lease is renewed more than ten times.
SLOW = 128 << 10
STREAMS = (1, 4, 8)


class Stage:
    """A simulated vCenter, and a folder that is emptied after each run."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator, self._folder = simulator, folder
        names = ("host", "port", "user", "password", "ca_file")
        self._vcenter = folder / "vcenter.json"
        at = {name: str(getattr(simulator, name)) for name in names}
        self._vcenter.write_text(json.dumps(at))

    def play(self, *names: str, streams: int = 4, disks: int = 0) -> dict[str, float]:
        """One process that exports these VMs at once."""
        out = self._folder / "out"
        out.mkdir()
        command = [sys.executable, "-m", "benchmarks.clients.leases", str(self._vcenter), str(out)]
        options = [f"--streams={streams}", f"--disks={disks}"]
        ended = subprocess.run(
            [*command, *names, *options],
            cwd=ROOT, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE,
        )  # fmt: skip
        shutil.rmtree(out)
        said: dict[str, float] = json.loads(ended.stdout)
        return said


def latest(calls: list[dict[str, Any]]) -> float:
    """By how many seconds a Progress came later than a second after the one before it."""
    times: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        times[call["moid"]].append(call["t"])
    assert len(times) == LEASES, f"{len(times)} leases were renewed"
    return max(b - a for each in times.values() for a, b in pairwise(each)) - 1


def eight_disks(stage: Stage, rounds: int) -> None:
    """A host that limits each stream: all disks at once take as long as the longest."""
    stage.simulator.inject("bandwidth", bytes_per_second=RATE)
    alone, together = [], []
    for _ in range(rounds):
        alone.append(stage.play("wide", disks=1)["seconds"])
        together.append(stage.play("wide", streams=8)["seconds"])
    stage.simulator.clear()
    ratio = median(together) / median(alone)
    print(
        f"8 disks at 25 MB/s a stream: {median(together):.2f} s, one alone {median(alone):.2f} s: "
        f"{ratio:.3f}   aim <= 1.05"
    )


def shares(stage: Stage, rounds: int) -> None:
    """A host without a limit: disks of one length, begun at once, end at nearly one time."""
    played = [stage.play("wide", streams=8) for _ in range(rounds)]
    first = median(said["first"] / said["seconds"] for said in played)
    print(f"8 disks of a host without a limit: the first ends at {first:.2f} of the time of all")


def memory(stage: Stage, rounds: int) -> None:
    """What a process holds over Python with pyVmomi, by the number of streams."""
    for streams in STREAMS:
        held = [stage.play("wide", streams=streams)["mib"] for _ in range(rounds)]
        print(
            f"{streams} stream(s): {median(held):.1f} MiB over Python with pyVmomi   "
            f"aim <= {12 + 2 * streams}"
        )


def many_leases(stage: Stage) -> None:
    """As many leases as a night's backup has at once, for a quarter of a minute."""
    stage.simulator.reset()
    stage.simulator.inject("bandwidth", bytes_per_second=SLOW)
    said = stage.play(*(f"many-{number}" for number in range(LEASES)))
    calls = stage.simulator.calls("HttpNfcLeaseProgress")
    stage.simulator.clear()
    print(
        f"{LEASES} leases, {4 * LEASES} disks, {said['seconds']:.0f} s: {said['mib']:.0f} MiB over "
        f"Python with pyVmomi   aim <= 160"
    )
    print(f"{len(calls)} Progress, the latest {latest(calls):.2f} s late   aim <= 1")


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="nfclease-bench-", dir=place) as folder,
        Simulator(disks=1, disk_size=MIB) as simulator,
    ):
        stage = Stage(simulator, Path(folder))
        simulator.add_vm("wide", disks=8, disk_size=128 * MIB, nvram=False)
        for number in range(LEASES):
            simulator.add_vm(f"many-{number}", disks=4, disk_size=2 * MIB, nvram=False)
        eight_disks(stage, args.rounds)
        shares(stage, args.rounds)
        memory(stage, args.rounds)
        many_leases(stage)
    return 0


if __name__ == "__main__":
    sys.exit(main())
