"""``python -m tests.faults.soak``: leases for some minutes under faults, and a verdict."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nfclease.simulator import Simulator

from ..harness.runner import ROOT
from .watching import DISK_SIZE, Watch


def main() -> int:
    """0 where every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--leases", type=int, default=64, help="at once")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="nfclease-soak-") as folder,
        Simulator(disk_size=DISK_SIZE, disks=1, initializing=0.1) as simulator,
    ):
        simulator.add_vms("soak", given.leases, disks=3, disk_size=DISK_SIZE)
        process = _started(simulator, Path(folder), given.leases)
        watch = Watch(simulator, process, given.seed)
        watch.for_minutes(given.minutes)
        verdict = watch.verdict()
    print("\n".join(verdict or ["every promise was kept"]))
    return 1 if verdict else 0


def _started(simulator: Simulator, folder: Path, leases: int) -> subprocess.Popen[str]:
    """The process with the leases."""
    names = ("host", "port", "user", "ca_file")
    at = {name: getattr(simulator, name) for name in names} | {"pwd": simulator.password}
    vcenter, disks = folder / "vcenter.json", folder / "disks"
    vcenter.write_text(json.dumps(at))
    disks.mkdir()
    command = [sys.executable, "-m", "tests.faults.soak.leases"]
    command += [str(vcenter), str(disks), str(leases)]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(code)
