"""Jobs with much more data take hardly more memory: nothing is kept that grows with a disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

from ..support.inventory import connected, find

MIB = 1 << 20
SCRIPT = Path(__file__).parents[1] / "support" / "memory_of.py"
#: Of each of two disks. The small one is larger than all buffers of a transfer.
SIZES = {"small": 16 * MIB, "large": 128 * MIB}
#: What a job may take more for 224 MiB more.
MORE = 24 * MIB

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="not run: the system does not tell the peak of a process",
)


class World(NamedTuple):
    """A server with a small and a large VM, and the folder with an OVA and a directory of each."""

    simulator: Simulator
    folder: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("packages")
    with Simulator() as simulator:
        for service in connected(simulator):
            for name, size in SIZES.items():
                simulator.add_vm(name, disks=2, disk_size=size)
                vm = find(service, vim.VirtualMachine, name)
                nfclease.export_vm(vm, folder / f"{name}.ova")
                nfclease.export_vm(vm, folder / name)
        yield World(simulator, folder)


def growth(world: World, job: str, where: Path, vm: str) -> int:
    """By how much the job let the peak of its process grow."""
    server = world.simulator
    session = [server.host, str(server.port), server.user, server.password, str(server.ca_file)]
    command = [sys.executable, str(SCRIPT), job, str(where), "", *session]
    command += [vm] if job in ("export", "copy") else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("ending", ["", ".ova"], ids=["directory", "archive"])
@pytest.mark.parametrize("job", ["export", "import", "verify"])
def test_of_eight_times_the_data(world: World, tmp_path: Path, job: str, ending: str) -> None:
    folder = tmp_path if job == "export" else world.folder
    small, large = (growth(world, job, folder / f"{name}{ending}", name) for name in SIZES)
    assert large - small <= MORE, f"{small / MIB:.0f} MiB, then {large / MIB:.0f} MiB"


def test_a_copy_of_eight_times_the_data(world: World) -> None:
    small, large = (growth(world, "copy", world.folder, name) for name in SIZES)
    assert large - small <= MORE, f"{small / MIB:.0f} MiB, then {large / MIB:.0f} MiB"
