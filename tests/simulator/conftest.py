"""A simulator for each module, a session for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.connect import Disconnect

from nfclease.simulator import Simulator

from .support.calls import by_path, ready

DISK_SIZE = 2 << 20


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    with Simulator(disk_size=DISK_SIZE, initializing=0.05) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    shared_simulator.reset()
    return shared_simulator


@pytest.fixture
def service(simulator: Simulator) -> Iterator[Any]:
    session = simulator.connect()
    yield session
    Disconnect(session)


@pytest.fixture
def demo_vm(service: Any) -> Any:
    return by_path(service, "vm/demo-vm")


@pytest.fixture
def lease(demo_vm: Any) -> Iterator[Any]:
    held = ready(demo_vm.ExportVm())
    yield held
    if held.state == "ready":
        held.Abort()
