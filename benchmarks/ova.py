"""What a whole package costs: to a directory and to an ``.ova``, and back from each.

    python -m benchmarks.ova [--disk-mib 1024] [--rounds 4] [--folder DIR]   # or: make bench-ova

The clients take turns, each round in the order opposite to the one before: what a machine does
depends on what it did last. Before each turn, free memory is filled with clean cache
(``memory.py``). It never judges a time; it fails when a sum is wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pyVim.connect import Disconnect
from pyVim.task import WaitForTask

from nfclease.simulator import Simulator

from . import memory
from .measure import ClientFailedError, Cost, process_seconds, run, sha1_of
from .rounds import SHARED_MEMORY
from .scenarios import MIB, WrongBytesError
from .server import build_peers

GIB = 1 << 30
DISKS = 4


@dataclass(frozen=True)
class Case:
    """One client at one job."""

    client: str
    verb: str
    suffix: str

    @property
    def title(self) -> str:
        """Its row."""
        what = self.suffix or "directory"
        return f"{self.client}, {self.verb} {'to' if self.verb == 'export' else 'from'} {what}"


DIRECTORY_OUT = Case("nfclease", "export", "")
OVA_OUT = Case("nfclease", "export", ".ova")
DIRECTORY_IN = Case("nfclease", "import", "")
OVA_IN = Case("nfclease", "import", ".ova")
ONE_BY_ONE_OUT = Case("one-by-one", "export", ".ova")
CASES = (
    DIRECTORY_OUT,
    OVA_OUT,
    ONE_BY_ONE_OUT,
    DIRECTORY_IN,
    OVA_IN,
    Case("govc", "import", ".ova"),
    Case("sample", "import", ".ova"),
)
#: A job, the one that it is held to, and the ratio that is aimed at.
AIMS = (
    (OVA_OUT, DIRECTORY_OUT, 1.15),
    (ONE_BY_ONE_OUT, DIRECTORY_OUT, 1.15),
    (OVA_IN, DIRECTORY_IN, 1.05),
)


class Stage:
    """A simulated vCenter, and a folder for packages.

    Attributes:
        folder: Where the packages are.
        vcenter: A file that says to a client where the vCenter is, and govc.
    """

    def __init__(self, simulator: Simulator, folder: Path, govc: Path) -> None:
        self._simulator, self.folder = simulator, folder
        self.vcenter = folder / "vcenter.json"
        names = ("host", "port", "user", "password", "ca_file")
        at = {name: str(getattr(simulator, name)) for name in names}
        self._sums: set[str] = set()
        self.vcenter.write_text(json.dumps({**at, "govc": str(govc)}))

    def cpu_seconds(self) -> float:
        """What the server has cost so far."""
        return process_seconds(self._simulator.pid)

    def play(self, case: Case) -> Cost:
        """One run, whose sums are compared."""
        path = self.folder / f"package{case.suffix}"
        command = [sys.executable, "-m", "benchmarks.clients.packages", case.client, case.verb]
        cost = run([*command, "--vcenter", str(self.vcenter), str(path), "imported"], self)
        if case.verb == "import":
            self.judge(self.folder / "package")
        return cost

    def judge(self, exported: Path, name: str = "imported") -> None:
        """Compares what came with what was exported, and removes the new VM again."""
        if not self._sums:  # the streams are the same each time
            self._sums = {sha1_of(path) for path in exported.glob("*.vmdk")}
        files: list[dict[str, Any]] = self._simulator.vm_files(name)
        got = {each["sha1"] for each in files if each["kind"] == "disk"}
        if got != self._sums:
            raise WrongBytesError(f"the server has {sorted(got)}, not {sorted(self._sums)}")
        service = self._simulator.connect()
        made: Any = service.content.searchIndex.FindByInventoryPath(f"DC0/vm/{name}")
        WaitForTask(made.Destroy_Task())
        Disconnect(service)


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4, help="an even number")
    parser.add_argument("--disk-mib", type=int, default=1024, help=f"each of the {DISKS}")
    parser.add_argument("--folder", type=Path, help="where packages go; else memory with room")
    args = parser.parse_args()
    # Both packages, what is replaced until the new one is whole, and what the server received.
    needed = 4 * DISKS * args.disk_mib * MIB
    roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > needed
    place = args.folder or (SHARED_MEMORY if roomy else None)
    with (
        tempfile.TemporaryDirectory(prefix="nfclease-bench-", dir=place) as folder,
        Simulator(disks=DISKS, disk_size=args.disk_mib * MIB, stable_streams=True) as simulator,
    ):
        stage = Stage(simulator, Path(folder), build_peers() / "govc")
        costs: dict[Case, list[Cost]] = defaultdict(list)
        try:
            for turn in range(args.rounds):
                # The first round makes the packages that are imported in the others.
                for case in CASES[:: -1 if turn % 2 else 1]:
                    memory.renew(2 * DISKS * args.disk_mib * MIB)
                    costs[case].append(stage.play(case))
        except (WrongBytesError, ClientFailedError) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    report(costs, DISKS * args.disk_mib * MIB)
    where = "tmpfs" if place == SHARED_MEMORY else "disk"
    print(f"{args.rounds} round(s) on {where}, every sum right")
    return 0


def report(costs: dict[Case, list[Cost]], size: int) -> None:
    """Prints the rows, then the ratios."""
    head = f"{'CPU-s/GiB (min-max)':>21} {'wall s':>8} {'MB/s':>6} {'peak MiB':>9} {'others':>7}"
    print(f"{'':32} {head}")
    cpu = {case: [cost.cpu * GIB / size for cost in runs] for case, runs in costs.items()}
    for case in CASES:
        runs = costs[case]
        wall = median(cost.wall for cost in runs)
        spread = f"{median(cpu[case]):.2f} ({min(cpu[case]):.2f}-{max(cpu[case]):.2f})"
        peak = max(cost.peak_mib for cost in runs)
        others = median(cost.foreign_cpu / cost.wall for cost in runs)
        moved = f"{wall:8.2f} {size / wall / 1e6:6.0f}"
        print(f"{case.title:32} {spread:>21} {moved} {peak:9.0f} {others:7.2f}")
    for case, other, limit in AIMS:
        ratio = median(cpu[case]) / median(cpu[other])
        least = min(cpu[case]) / min(cpu[other])
        print(f"{case.title} / {other.title}, CPU:")
        print(f"    of the medians {ratio:.2f}   aim <= {limit:.2f}   (of the least {least:.2f})")


if __name__ == "__main__":
    sys.exit(main())
