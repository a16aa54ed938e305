"""Fixtures: a simulator for each test module, a session for each test, and leases of both faces."""

from __future__ import annotations

import copyreg
import gc
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import TransferResult
from nfclease.simulator import Simulator

from .peers.run import Vcsim
from .support.faces import FACES, OpenLease
from .support.imports import Imported, import_one_disk
from .support.inventory import DISK_SIZE, connected, demo_vm_of, find, unique
from .support.signals import SENT, hear

hear(*SENT)

#: How objects are pickled and copied before anything of a test is loaded.
_PICKLED = copyreg.dispatch_table.copy()


@pytest.fixture(autouse=True)
def pickled_as_before() -> Iterator[None]:
    """Dask loads tblib, which has every exception of the process pickled and copied in its own way.

    pyvmomi's faults cannot be, and so no test of one that comes later in this process would work.
    """
    _forget_pickles()
    yield
    _forget_pickles()


def _forget_pickles() -> None:
    if "tblib" in sys.modules:
        copyreg.dispatch_table.clear()
        copyreg.dispatch_table.update(_PICKLED)


@pytest.fixture(scope="module")
def shared_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """With what the module says as ``SIMULATOR``, where it does."""
    options: dict[str, Any] = {"disk_size": DISK_SIZE, "initializing": 0.05}
    with Simulator(**options | getattr(request.module, "SIMULATOR", {})) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def running_name(shared_simulator: Simulator) -> str:
    shared_simulator.add_vm("runs", disks=2, disk_size=1 << 20, power="on", tools=True)
    return "runs"


@pytest.fixture
def running_vm(service: Any, running_name: str) -> Any:
    """A VM that runs: its exports take a snapshot."""
    return find(service, vim.VirtualMachine, running_name)


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    """The module's simulator, with calls, requests and faults of earlier tests forgotten."""
    shared_simulator.reset()
    return shared_simulator


@pytest.fixture
def service(simulator: Simulator) -> Iterator[Any]:
    yield from connected(simulator)


@pytest.fixture(scope="module")
def vcsim() -> Iterator[Vcsim]:
    with Vcsim() as server:
        yield server


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """The face that the test runs on: each test that asks for it, or for a lease, runs on both."""
    value: str = request.param
    return value


@pytest.fixture
def open_lease(face: str, request: pytest.FixtureRequest) -> Iterator[OpenLease]:
    """Makes leases of the face; a test that asks for it and opens none fails."""
    opener = OpenLease(face)
    yield opener
    opener.close(is_skipped=request.node.stash.get(SKIPPED, False))


#: Of a test that found out while it ran that it cannot.
SKIPPED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[SKIPPED] = report.skipped
    return report


@pytest.fixture
def demo_vm(service: Any) -> Any:
    return demo_vm_of(service)


@pytest.fixture
def lease(open_lease: OpenLease, demo_vm: Any) -> Iterator[Any]:
    """An export of the demo VM that is ready."""
    with open_lease(demo_vm.ExportVm()) as held:
        held.wait_ready(10)
        yield held


@pytest.fixture
def exported(open_lease: OpenLease, demo_vm: Any, tmp_path: Path) -> list[TransferResult]:
    """The files of the demo VM, in `tmp_path`."""
    with open_lease(demo_vm.ExportVm()) as held:
        held.wait_ready(10)
        results: list[TransferResult] = held.download_all(tmp_path)
    return results


@pytest.fixture
def imported(
    open_lease: OpenLease, simulator: Simulator, service: Any, demo_vm: Any, tmp_path: Path
) -> Imported:
    """An import of one disk, whose export the simulator has forgotten."""
    made = import_one_disk(open_lease, service, demo_vm, tmp_path, unique("imported"))
    simulator.reset()
    return made


@pytest.fixture
def only_new_garbage() -> Iterator[None]:
    """The collector looks at what comes now alone: the rest of a test run takes it long."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
