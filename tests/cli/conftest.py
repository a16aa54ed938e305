"""The command, as a govc user of the simulator has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.command import Command, govc_environment
from ..support.packages import ova, package, stream_disk
from .interrupting import Interrupting


@pytest.fixture
def nfclease(simulator: Simulator) -> Command:
    """``nfclease("export", "DC0/vm/demo-vm", "-o", target)`` gives code, stdout and stderr."""
    return Command(govc_environment(simulator))


@pytest.fixture
def interrupting(nfclease: Command, simulator: Simulator, tmp_path: Path) -> Iterator[Interrupting]:
    """Starts commands and sends them signals at moments that the simulator reports."""
    made = Interrupting(nfclease, simulator, tmp_path)
    yield made
    made.close()
    simulator.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where nothing is but what a command leaves."""
    made = tmp_path / "target"
    made.mkdir()
    return made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A package of two disks."""
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(package({"disk.vmdk": stream_disk(), "other.vmdk": stream_disk(64, 2)})))
    return path
