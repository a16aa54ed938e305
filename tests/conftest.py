"""Fixtures: a simulator for each test module, a session for each test, and the clean-up checks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

#: Small enough for a fast suite, large enough for several buffers and grains.
DISK_SIZE = 3 << 20


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    with Simulator(disk_size=DISK_SIZE, initializing=0.05) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    """The module's simulator, with calls, requests and faults of earlier tests forgotten."""
    shared_simulator.reset()
    return shared_simulator


@pytest.fixture
def service(simulator: Simulator) -> Iterator[Any]:
    yield from connected(simulator)


def connected(simulator: Simulator) -> Iterator[Any]:
    from pyVim.connect import Disconnect

    session = simulator.connect()
    try:
        yield session
    finally:
        Disconnect(session)


def find(service: Any, kind: Any, name: str) -> Any:
    """The managed object of a kind with this name."""
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [kind], True)
    try:
        [found] = [entity for entity in view.view if entity.name == name]
    finally:
        view.Destroy()
    return found


def methods(simulator: Simulator, *names: str) -> list[str]:
    """The lease calls that the server saw, in order, without those of the keep-alive."""
    wanted = names or (
        "HttpNfcLeaseComplete",
        "HttpNfcLeaseAbort",
        "HttpNfcLeaseGetManifest",
    )
    return [call["method"] for call in simulator.calls() if call["method"] in wanted]


def endings(simulator: Simulator) -> list[str]:
    """Completes and Aborts, in order."""
    return methods(simulator, "HttpNfcLeaseComplete", "HttpNfcLeaseAbort")


def threads_and_descriptors() -> tuple[int, int]:
    """Counts of this process; threads of both languages."""
    tasks = Path("/proc/self/task")
    threads = len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()
    descriptors = Path("/proc/self/fd")
    return threads, len(os.listdir(descriptors)) if descriptors.exists() else 0
