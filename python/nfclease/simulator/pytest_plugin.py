"""Fixtures for tests of scripts that use vSphere.

Ask for it in ``conftest.py``: ``pytest_plugins = ["nfclease.simulator.pytest_plugin"]``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nfclease.simulator import Simulator

__all__ = ["nfc_service_instance", "nfc_simulator"]

_MARKER = "nfc_simulator(**options): a simulator of the test's own, with these options"


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def _nfc_simulator_process() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def nfc_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulated vCenter, without calls, faults and leases of other tests.

    All tests share one process, and so its VMs; a test with the marker
    ``@pytest.mark.nfc_simulator(disk_size="1m")`` has one of its own.
    """
    marker = request.node.get_closest_marker("nfc_simulator")
    if marker is not None:
        with Simulator(**marker.kwargs) as own:
            yield own
        return
    shared: Simulator = request.getfixturevalue("_nfc_simulator_process")
    shared.expire()  # what a test before has left held
    shared.reset()
    yield shared


@pytest.fixture
def nfc_service_instance(nfc_simulator: Simulator) -> Iterator[Any]:
    """A logged-in pyvmomi ``ServiceInstance``, logged out after the test."""
    from pyVim.connect import Disconnect

    service: Any = nfc_simulator.connect()
    try:
        yield service
    finally:
        Disconnect(service)
        service._stub.DropConnections()
