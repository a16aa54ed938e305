"""Fixtures of runs: a session by name, and one by plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nfclease import fleet
from nfclease.simulator import Simulator

from .cluster import dask_client

#: Where a worker finds the password.
VARIABLE = "FLEET_TEST_PASSWORD"


@pytest.fixture
def lab(simulator: Simulator) -> str:
    """The name of a session that threads of this process open."""
    fleet.register_session("lab", simulator.connect)
    return "lab"


@pytest.fixture(scope="session")
def _other_simulator() -> Iterator[Simulator]:
    with Simulator(disk_size=1000, disks=1, initializing=0.05) as simulator:
        yield simulator


@pytest.fixture
def second(_other_simulator: Simulator) -> Simulator:
    """Another vCenter, whose session is called ``second``."""
    _other_simulator.reset()
    fleet.register_session("second", _other_simulator.connect)
    return _other_simulator


@pytest.fixture
def plain(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> fleet.SessionFrom:
    """A session as data, for other processes; they inherit the variable."""
    monkeypatch.setenv(VARIABLE, simulator.password)
    return fleet.SessionFrom(
        simulator.host,
        simulator.user,
        VARIABLE,
        port=simulator.port,
        ca_file=simulator.ca_file,
    )


@pytest.fixture
def client(plain: fleet.SessionFrom) -> Iterator[Any]:
    """Two Dask workers of four threads, which have the password in their environment."""
    with dask_client() as made:
        yield made
