"""N21 to N29: what a network does, by toxiproxy, which knows nothing of HTTP, TLS or leases."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nfclease import ConnectError, StallError, TruncatedError

from ...support.waiting import wait_for
from ..harness.case import FACES, IMPORTS, case
from ..harness.namespaces import beside
from ..harness.toxics import Toxiproxy, needs_toxiproxy
from ..harness.world import DISK, DISK_SIZE, LARGE_SIZE, World

SHARES = {"1 %": 0.01, "50 %": 0.5, "99.9 %": 0.999}


def _size(world: World) -> int:
    """Of the stream of the usual disk."""
    return (world.package / "disk-0.vmdk").stat().st_size


@case(
    "N21",
    "a proxy ends the connection at 1, 50 and 99.9 % of a disk, until it is told not to",
    "the whole disk again on the same lease, verified",
    needs=needs_toxiproxy,
    variants=SHARES,
)
def cut_once(world: World, share: float) -> None:
    proxy = Toxiproxy.before_the_host(world)
    proxy.add("limit_data", bytes=int(_size(world) * share))

    def heal() -> None:
        wait_for(lambda: len(world.simulator.requests()) > 1)
        proxy.remove("limit_data")

    beside(world, heal)
    world.job(max_retries=8)
    world.expect(len(world.requests()) > 1, "the disk was asked for again")


#: By when the proxy ends each connection; in the handshake, no byte of the host has come.
EVERY_TIME: dict[str, tuple[str, dict[str, int], type[Exception]]] = {
    "in the body": ("limit_data", {"bytes": DISK_SIZE // 4}, TruncatedError),
    "in the handshake": ("reset_peer", {"timeout": 100}, ConnectError),
}


@case(
    "N22",
    "a proxy ends every connection, in the body, or by RST in the handshake",
    "its error after three attempts, an Abort",
    needs=needs_toxiproxy,
    variants=EVERY_TIME,
)
def cut_always(world: World, how: tuple[str, dict[str, int], type[Exception]]) -> None:
    kind, attributes, error = how
    Toxiproxy.before_the_host(world).add(kind, **attributes)
    with world.fails(error, attempts=3):
        world.job(max_retries=2)


@case(
    "N23",
    "a proxy resets the connection in the middle of an upload",
    "ConnectError with the bytes that went, not tried again, and the VM is gone",
    faces=IMPORTS,
    needs=needs_toxiproxy,
)
def upload_reset(world: World) -> None:
    world.large()
    proxy = Toxiproxy.before_the_host(world)
    proxy.add("bandwidth", True, rate=(LARGE_SIZE >> 10) // 8)
    moved: list[int] = []
    world.progress = lambda progress: moved.append(progress.bytes_done)

    def reset() -> None:
        wait_for(lambda: moved and moved[-1] > 1 << 20)
        proxy.add("reset_peer", True, timeout=0)

    beside(world, reset)
    with world.fails(ConnectError, attempts=1, bytes_done=lambda count: count > 0):
        world.job(max_retries=2)
    world.expect(len(world.requests()) == 1, "the disk was sent once")


@case(
    "N24",
    "a proxy swallows all that comes from the host's side, and vCenter is well",
    "StallError, and Abort comes through",
    needs=needs_toxiproxy,
)
def swallowed(world: World) -> None:
    proxy = Toxiproxy.before_the_host(world)
    proxy.add("bandwidth", rate=(DISK_SIZE >> 10) // 8)

    def swallow() -> None:
        wait_for(world.simulator.requests)
        proxy.add("timeout", timeout=0)

    beside(world, swallow)
    with world.fails(StallError):
        world.job(max_retries=0)


@case(
    "N25",
    "a proxy swallows a part of a disk, and ends the connection later",
    "the whole disk again, verified: what comes after a hole is not taken for the rest",
    needs=needs_toxiproxy,
)
def swallowed_for_a_while(world: World) -> None:
    proxy = Toxiproxy.before_the_host(world)
    proxy.add("bandwidth", rate=(DISK_SIZE >> 10) // 2)

    def swallow() -> None:
        wait_for(world.simulator.requests)
        proxy.add("timeout", timeout=0)
        time.sleep(0.5)
        with suppress(RuntimeError):
            proxy.remove("timeout")

    beside(world, swallow)
    results = world.job(max_retries=8, timeout=20.0)
    world.expect(len(world.requests()) > 1, "the disk was asked for again")
    world.expect(results, "a result")


#: Bytes a second, and the timeout: a stream that takes five times the usual timeout of a case, and
#: one that takes longer than each number of seconds that the product has by itself, 60 the largest.
SLOW = {"5 timeouts": (LARGE_SIZE // 8, 1.5), "all defaults": (LARGE_SIZE // 75, 60.0)}


@case(
    "N26",
    "an upload through a proxy that is slow, and full of bytes that did not arrive yet",
    "it works, although it takes longer than any timeout: nothing counts but that bytes move",
    faces=IMPORTS,
    needs=needs_toxiproxy,
    variants=SLOW,
    deadline=150.0,
)
def slow_upload(world: World, how: tuple[int, float]) -> None:
    rate, timeout = how
    world.large()
    Toxiproxy.before_the_host(world).add("bandwidth", True, rate=rate >> 10)
    world.job(max_retries=0, timeout=timeout)
    [request] = world.requests()
    seconds = request["ended"] - request["started"]
    world.expect(seconds > timeout, f"{seconds:.1f} s are more than the timeout, {timeout} s")


@case(
    "N27",
    "the host refuses connections for two seconds, and then it is there",
    "it works when it is there again, as nothing was sent before",
    faces=FACES,
    needs=needs_toxiproxy,
)
def comes_later(world: World) -> None:
    proxy = Toxiproxy.before_the_host(world)
    gone = threading.Event()

    def away() -> None:
        with proxy.down():
            gone.set()
            time.sleep(2.0)

    beside(world, away)
    gone.wait()
    began = time.monotonic()
    world.job(max_retries=8)
    world.expect(time.monotonic() - began >= 1.5, "it was not there at once")


#: Of the mean segment, and how much it varies: 1 byte for calls, more for what has megabytes.
SLICES: dict[str, tuple[Callable[[World], Toxiproxy], dict[str, int]]] = {
    "of the host": (Toxiproxy.before_the_host, {"average_size": 64, "size_variation": 32}),
    "of vCenter": (Toxiproxy.before_vcenter, {"average_size": 1, "size_variation": 0}),
}


@case(
    "N28",
    "all that the host or vCenter says comes in segments of a few bytes, or of one",
    "verified",
    faces=FACES,
    needs=needs_toxiproxy,
    variants=SLICES,
    deadline=60.0,
)
def slices(world: World, how: tuple[Any, dict[str, int]]) -> None:
    before, attributes = how
    before(world).add("slicer", delay=0, **attributes)
    world.job(timeout=20.0)


#: How vCenter is away: it refuses connections, or nothing of it arrives.
AWAY = {"refuses": False, "says nothing": True}


@case(
    "N29",
    "vCenter is away for 7 seconds of a lease that lasts 12, while data flows",
    "it works, and Progress goes on, which is due every 1.2 seconds",
    faces=("blocking", "asyncio", "export_vm"),
    needs=needs_toxiproxy,
    variants=AWAY,
    options={"lease_timeout": 12.0},
    deadline=60.0,
)
def vcenter_away(world: World, silent: bool) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 9)
    proxy = Toxiproxy.before_vcenter(world)

    def away() -> None:
        wait_for(world.simulator.requests)
        if silent:
            proxy.add("timeout", timeout=0)
            time.sleep(7.0)
            proxy.remove("timeout")
        else:
            with proxy.down():
                time.sleep(7.0)

    beside(world, away)
    world.job(timeout=20.0)
    times = [one["t"] for one in world.simulator.calls("HttpNfcLeaseProgress")]
    gaps = [later - one for one, later in itertools.pairwise(times)]
    if not silent:
        world.expect(gaps and max(gaps) >= 6.0, f"Progress did not come meanwhile: {gaps}")
    world.expect(len(times) > 1, "Progress went on")
