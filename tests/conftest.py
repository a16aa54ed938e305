"""Fixtures: a simulator for each test module, a session for each test, and the clean-up checks."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease.simulator import Simulator
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk

from .support.faces import Driven

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell's background job inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Small enough for a fast suite, large enough for several buffers and grains.
DISK_SIZE = 3 << 20


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    with Simulator(disk_size=DISK_SIZE, initializing=0.05) as simulator:
        yield simulator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Modules that say ``BOTH_FACES = True`` run on the blocking face and on the asyncio one.

    But for tests marked ``blocking_face``, which have no lease, or have it in another process.
    """
    one = metafunc.definition.get_closest_marker("blocking_face")
    if getattr(metafunc.module, "BOTH_FACES", False) and not one:
        metafunc.parametrize("face", ["blocking", "asyncio"], indirect=True)


@pytest.fixture(autouse=True)
def face(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What the module's ``HttpNfcLease`` is, set before any other fixture makes a lease."""
    asked: str = getattr(request, "param", "blocking")
    if asked == "asyncio":
        loop = asyncio.new_event_loop()
        made = functools.partial(Driven, loop)
        monkeypatch.setattr(request.module, "HttpNfcLease", made)
        yield asked
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    else:
        yield asked


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    """The module's simulator, with calls, requests and faults of earlier tests forgotten."""
    shared_simulator.reset()
    return shared_simulator


@pytest.fixture
def service(simulator: Simulator) -> Iterator[Any]:
    yield from connected(simulator)


def connected(simulator: Simulator) -> Iterator[Any]:
    session = simulator.connect()
    try:
        yield session
    finally:
        Disconnect(session)
        session._stub.DropConnections()  # pyvmomi leaves its pool to the garbage collector


@pytest.fixture
def lease(request: pytest.FixtureRequest, service: Any) -> Iterator[Any]:
    """An export of the demo VM that is ready, of the face that the module's tests are on."""
    raw = find(service, vim.VirtualMachine, "demo-vm").ExportVm()
    with request.module.HttpNfcLease(raw) as held:
        held.wait_ready(10)
        yield held


def find(service: Any, kind: Any, name: str) -> Any:
    """The managed object of a kind with this name."""
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [kind], True)
    try:
        [found] = [entity for entity in view.view if entity.name == name]
    finally:
        view.Destroy()
    return found


_numbers = itertools.count(1)


def unique(name: str) -> str:
    """A name that no VM of this run has: a test on both faces imports twice."""
    return f"{name}-{next(_numbers)}"


def methods(simulator: Simulator, *names: str) -> list[str]:
    """The lease calls that the server saw, in order, without those of the keep-alive."""
    wanted = names or (
        "HttpNfcLeaseComplete",
        "HttpNfcLeaseAbort",
        "HttpNfcLeaseGetManifest",
    )
    return [call["method"] for call in simulator.calls() if call["method"] in wanted]


def whole_disk(size: int = 70_000) -> bytes:
    """The stream of a disk that is whole, of about this size."""
    return b"".join(StreamOptimizedDisk(size).chunks())


def disk_of(lease: Any) -> Any:
    """The first disk of a lease, once it is ready."""
    return next(url for url in lease.wait_ready(10).deviceUrl if url.disk)


def endings(simulator: Simulator) -> list[str]:
    """Completes and Aborts, in order."""
    return methods(simulator, "HttpNfcLeaseComplete", "HttpNfcLeaseAbort")


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop go on until it holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def resources() -> tuple[int, list[str]]:
    """Native threads of this process, and what its descriptors are; Linux only."""
    descriptors = [target_of(name) for name in os.listdir("/proc/self/fd")]
    return len(os.listdir("/proc/self/task")), [target for target in descriptors if target]


def target_of(descriptor: str) -> str:
    """What a descriptor is; empty when it was closed meanwhile, as the listing's own is."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return ""
