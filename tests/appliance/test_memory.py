"""Packages behind an address in little memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.packages import ova, package, stream_disk
from ..support.web import Web, serving

MIB = 1 << 20
SCRIPT = Path(__file__).parents[1] / "support" / "memory_of.py"
#: Disks of 40 MiB: more than may be kept of them.
DISKS = {f"disk{n}.vmdk": 40 * MIB for n in range(4)}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """The same package as an archive and as single files."""
    disk = stream_disk(40 * MIB // 512)
    members = package(dict.fromkeys(DISKS, disk))
    return {"demo.ova": ova(members), **{f"x/{name}": data for name, data in members.items()}}


@pytest.fixture
def web(files: dict[str, bytes], tmp_path: Path) -> Iterator[Web]:
    with serving(files, tmp_path) as web:
        yield web


@pytest.mark.parametrize(
    ("job", "name", "ranges"),
    [
        ("import", "demo.ova", True),
        ("import", "demo.ova", False),
        ("import", "x/demo.ovf", True),
        ("import", "x/demo.ovf", False),
        ("inspect", "demo.ova", True),
        ("inspect", "demo.ova", False),
        ("verify", "demo.ova", True),
        ("verify", "x/demo.ovf", True),
    ],
)
def test_what_a_job_keeps_of_a_package(
    simulator: Simulator, web: Web, job: str, name: str, ranges: bool
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("not run: the system does not tell the peak of a process")
    web.habits.ranges = ranges
    session = [simulator.host, str(simulator.port), simulator.user, simulator.password]
    command = [sys.executable, str(SCRIPT), job, web.url(name), str(web.ca_file)]
    done = subprocess.run(
        [*command, *session, str(simulator.ca_file)], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    streams = 1 if job == "inspect" else len(DISKS)
    growth = int(done.stdout)
    assert growth <= (64 + 8 * streams) * MIB, f"{growth / MIB:.0f} MiB"
    if job != "inspect":
        assert web.sent > sum(DISKS.values()), "all of it came"
