"""N: packets that do not arrive, or slowly, and no end of the connection that says so."""

from __future__ import annotations

import socket
import subprocess
import threading
import time

from nfclease import StallError

from ...support.clock import Stopwatch
from ...support.waiting import wait_for
from ..harness.case import IMPORTS, LEASES, case
from ..harness.hosts import Relay
from ..harness.world import DISK, DISK_SIZE, LARGE_SIZE, World


def needs_own_network() -> str:
    """Why no process can have a network of its own; empty where one can."""
    tried = subprocess.run(
        [*own_network(""), "true"], capture_output=True, check=False, shell=False
    )
    return "" if tried.returncode == 0 else "no network namespace of one's own here"


def own_network(_: str) -> list[str]:
    """A process that alone sees its loopback."""
    script = 'ip link set lo up && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", script, "sh"]


def _link(state: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def _cut_off(world: World, seconds: float | None) -> threading.Thread:
    """Takes the network away in the middle of the disk, and gives it back after so long."""
    ended = threading.Event()

    def cut() -> None:
        wait_for(world.simulator.requests)
        time.sleep(0.3)
        _link("down")
        ended.wait(seconds)
        _link("up")

    thread = threading.Thread(target=cut, daemon=True)
    thread.start()

    def give_back() -> None:
        ended.set()
        thread.join()

    world.stack.callback(give_back)
    return thread


@case(
    "N05",
    "no packet arrives any more, either way, and nobody says so",
    "StallError within the timeout and 5 s, and 10 s more for an Abort that finds no way either",
    faces=LEASES,
    needs=needs_own_network,
    within=own_network,
    stars=2,
    deadline=60.0,
)
def half_open(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 4)
    clock, timeout = Stopwatch(world.simulator.pid), 2.0
    with world.fails(StallError, ends=(), lease_outcome="abort_failed"):
        _cut_off(world, None)
        try:
            world.job(max_retries=0, timeout=timeout)
        finally:
            seconds = clock.seconds()
    world.within("out of the block", [seconds], timeout + 5 + 10 + 2)
    world.held = 1  # nothing reaches the server, Abort neither
    world.stack.close()


@case(
    "N06",
    "no packet arrives for three seconds, and then they do",
    "it goes on, and is verified",
    faces=LEASES,
    needs=needs_own_network,
    within=own_network,
    deadline=60.0,
)
def heals(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 4)
    _cut_off(world, 3.0)
    world.job(max_retries=0, timeout=30.0)
    world.stack.close()


@case(
    "N07",
    "a host stops reading in an upload",
    "StallError after the timeout",
    faces=IMPORTS,
)
def upload_stalls(world: World) -> None:
    world.large()
    world.simulator.inject("stall", disk=DISK, after_bytes=1 << 20)
    with world.fails(StallError):
        world.job(max_retries=0)


@case(
    "N08",
    "an upload that is slow all along, and takes many times the timeout",
    "it works: nothing counts but that bytes move",
    faces=IMPORTS,
    stars=2,
)
def slow_upload(world: World) -> None:
    world.large()
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=LARGE_SIZE / 8)
    world.job(max_retries=0, timeout=1.5)


@case("N17", "a stream in segments of a few bytes", "verified", faces=LEASES, deadline=60.0)
def slices(world: World) -> None:
    def spoil(piece: bytes, at: int, number: int, target: socket.socket) -> bytes:
        if at > 65536:
            return piece
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(0, len(piece), 7):
            target.sendall(piece[index : index + 7])
        return b""

    Relay(world, spoil)
    world.job(timeout=20.0)


@case(
    "N20",
    "vCenter is away for a third of the lease's time while data flows",
    "it works, and Progress goes on",
    faces=LEASES,
    options={"lease_timeout": 12.0},
)
def vcenter_away(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 8)
    fault = world.simulator.inject("drop", method="HttpNfcLeaseProgress")

    def come_back() -> None:
        time.sleep(4.0)
        world.simulator.clear(fault)

    thread = threading.Thread(target=come_back)
    thread.start()
    world.job()
    thread.join()
    progress = world.simulator.calls("HttpNfcLeaseProgress")
    world.expect(any(call["result"] == "ok" for call in progress), "Progress went on")
