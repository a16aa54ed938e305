"""What is on the simulated vCenter, and sessions with it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease.simulator import Simulator

#: Small enough for a fast suite, large enough for several buffers and grains.
DISK_SIZE = 3 << 20

_numbers = itertools.count(1)


def connected(simulator: Simulator) -> Iterator[Any]:
    """A session that ends with the iteration, as a fixture's does."""
    session = simulator.connect()
    try:
        yield session
    finally:
        Disconnect(session)
        session._stub.DropConnections()  # pyvmomi leaves its pool to the garbage collector


def find(service: Any, kind: Any, name: str) -> Any:
    """The managed object of a kind with this name."""
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [kind], True)
    try:
        [found] = [entity for entity in view.view if entity.name == name]
    finally:
        view.Destroy()
    return found


def demo_vm_of(service: Any) -> Any:
    """The VM that the tests export, as this session sees it."""
    return find(service, vim.VirtualMachine, "demo-vm")


def unique(name: str) -> str:
    """A name that no VM of this run has: a test on both faces imports twice."""
    return f"{name}-{next(_numbers)}"
