"""N: a connection that ends too early, or whose bytes are others on the way."""

from __future__ import annotations

import socket
import threading

from nfclease import ConnectError, HttpNfcLease, TruncatedError

from ...support.leases import disk_of
from ..harness.case import IMPORTS, LEASES, case
from ..harness.hosts import Relay, reset
from ..harness.world import DISK, DISK_SIZE, LARGE_SIZE, World

SHARES = {"1 %": 0.01, "50 %": 0.5, "99.9 %": 0.999}


@case(
    "N01",
    "the connection is reset at 1, 50 and 99.9 % of a disk",
    "the whole disk again on the same lease, verified",
    variants=SHARES,
    stars=2,
)
def reset_once(world: World, share: float) -> None:
    place = int((world.package / "disk-0.vmdk").stat().st_size * share)
    world.simulator.inject("cut", disk=DISK, after_bytes=place, how="reset", count=1)
    world.job()
    world.expect(len(world.requests()) == 2, "the disk was asked for twice")


@case("N02", "it is reset every time", "TruncatedError after three attempts, an Abort")
def reset_always(world: World) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=DISK_SIZE // 2, how="reset")
    with world.fails(TruncatedError, attempts=3):
        world.job(max_retries=2)
    world.expect(len(world.requests()) == 3, "the disk was asked for three times")


@case(
    "N03",
    "the connection is reset in the middle of an upload",
    "ConnectError with the bytes that went, not tried again, and the VM is gone",
    faces=IMPORTS,
    stars=2,
)
def upload_reset(world: World) -> None:
    world.large()
    world.simulator.inject("cut", disk=DISK, after_bytes=LARGE_SIZE // 2, how="reset")
    with world.fails(ConnectError, attempts=1, bytes_done=lambda count: count > 0):
        world.job(max_retries=2)
    world.expect(len(world.requests()) == 1, "the disk was sent once")


@case(
    "N15",
    "a byte of a TLS record is another",
    "the disk again, never wrong bytes",
    faces=LEASES,
)
def bad_record(world: World) -> None:
    def spoil(piece: bytes, at: int, number: int, _: socket.socket) -> bytes:
        if number == 0 and at <= 200_000 < at + len(piece):
            index = 200_000 - at
            return piece[:index] + bytes([piece[index] ^ 1]) + piece[index + 1 :]
        return piece

    relay = Relay(world, spoil)
    [result] = world.job()
    world.expect(result.attempts == 2, "the disk was fetched twice")
    world.expect(relay.connections == 2, "on a connection of its own")


@case("N16", "one of two disks breaks for good", "its error, one Abort", faces=("asyncio",))
def one_of_two(world: World) -> None:
    world.vm = world.named("two")
    world.simulator.inject("cut", disk="disk-1", after_bytes=5000, how="reset")
    world.simulator.inject("bandwidth", disk="disk-0", bytes_per_second=DISK_SIZE / 4)
    with world.fails(TruncatedError, file="disk-1.vmdk"):
        world.job()


@case(
    "N18",
    "a host ends the connection as the next request comes",
    "the request again on another connection",
    faces=LEASES[:1],
)
def idle_connection(world: World) -> None:
    cut = threading.Event()

    def spoil(piece: bytes, at: int, number: int, target: socket.socket) -> bytes:
        if cut.is_set() and number == 0:
            reset(target)
        return piece

    Relay(world, spoil)
    assert world.moved is not None
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        disk = world.moved(disk_of(lease))
        lease.download(disk, world.target / "first")
        cut.set()
        result = lease.download(disk, world.target / "second")
    world.expect(result.verified == "manifest", "the second is verified")
    world.wanted.append(("Complete",))
