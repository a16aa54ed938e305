"""A target on a file system that hangs: the jobs of other targets go on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nfclease import fleet, verify
from nfclease.simulator import Simulator

from ..support.failing_calls import traced
from ..support.inventory import unique

SIMULATOR = {"disk_size": 1 << 16}
#: More than any of these tests takes; the script does not wait for it.
FOR_LONG = "delay_enter=100000000"
#: More jobs than threads for their calls.
HUNG = 6


@traced
@pytest.mark.parametrize(
    ("call", "suffix"),
    [("mkdir", ".ova"), ("%%stat", ".ova"), ("%%stat", "")],
    ids=["making", "looking-ova", "looking-directory"],
)
def test_other_targets_go_on(
    simulator: Simulator, plain: fleet.SessionFrom, tmp_path: Path, call: str, suffix: str
) -> None:
    names = [unique("hung") for _ in range(HUNG + 1)]
    for name in names:
        simulator.add_vm(name, disks=1, nvram=False)
    hung, alive = tmp_path / "hung", tmp_path / "alive"
    paths = [hung]
    if suffix == "" and call != "mkdir":  # its directory is there, the package is looked at
        hung.mkdir()
        paths = [hung / name for name in names[:-1]]
    command = ["strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:{FOR_LONG}"]
    command += [part for path in paths for part in ("-P", str(path))]
    command += [sys.executable, "-m", "tests.fleet.run_beside_hung", str(simulator.port)]
    command += [simulator.user, str(simulator.ca_file), str(hung), str(alive), suffix]
    with subprocess.Popen([*command, *names], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        begun = len(simulator.calls("ExportVm"))
        process.kill()  # it would wait for the calls that it holds up
    assert (said, begun) == (f"{names[-1]} done\n", 1)
    assert verify(alive / f"{names[-1]}{suffix}")
