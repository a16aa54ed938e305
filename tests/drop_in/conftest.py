"""A session that a test may end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nfclease.simulator import Simulator

from .parity.states import Session


@pytest.fixture
def session(simulator: Simulator) -> Iterator[Session]:
    session = Session(simulator)
    yield session
    session.close()
