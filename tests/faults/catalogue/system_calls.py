"""L23 and L24: calls of the system that fail, by strace: each call, each error that it may have."""

from __future__ import annotations

import errno

from ..harness.case import LEASES, case
from ..harness.tracing import calls_fail, needs_tracing
from ..harness.world import World

INTERRUPTED = {
    "write": ("write", "pwrite64", "writev"),
    "fsync": ("fsync", "fdatasync"),
    "flock": ("flock",),
    "open": ("openat",),
    "rename": ("renameat2", "renameat", "rename"),
    "link": ("linkat",),
    "unlink": ("unlinkat", "unlink"),
}


@case(
    "L23",
    "a signal interrupts a call on the target: write, fsync, flock, open, rename, link or unlink",
    "it is called again, or done in another way, and the disk is verified",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants=INTERRUPTED,
)
def interrupted(world: World, calls: tuple[str, ...]) -> None:
    (world.target / "disk-0.vmdk.part").write_bytes(b"what a killed process left")
    places = [world.target, world.target / "disk-0.vmdk.part", world.target / "disk-0.vmdk"]
    with calls_fail(*(f"{call}:error=EINTR:when=1" for call in calls), only=places):
        world.job()


FAILING = {
    "flock ENOMEM": ("flock:error=ENOMEM", errno.ENOMEM),
    "flock EIO": ("flock:error=EIO", errno.EIO),
    "open ENFILE": ("openat:error=ENFILE", errno.ENFILE),
    "open EMFILE": ("openat:error=EMFILE", errno.EMFILE),
    "unlink EIO": ("unlinkat:error=EIO:when=1", errno.EIO),
    "unlink EROFS": ("unlinkat:error=EROFS:when=1", errno.EROFS),
}


@case(
    "L24",
    "a call fails where a target is begun, beside the partial file of a process that was killed",
    "OSError with its errno before a byte is asked for, an Abort",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants=FAILING,
)
def not_begun(world: World, how: tuple[str, int]) -> None:
    fault, number = how
    left = world.target / "disk-0.vmdk.part"
    left.write_bytes(b"what a killed process left")
    places = [] if fault.startswith("flock") else [world.target, left]
    with world.fails(OSError, errno=number), calls_fail(fault, only=places):
        world.job()
    world.expect(not world.requests(), "no byte was asked for")
    left.unlink(missing_ok=True)
