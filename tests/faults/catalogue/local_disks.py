"""L: the disk of this machine is full or broken, or a limit of the process is met."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nfclease import HttpNfcLease

from ...support.leases import disk_of
from ..harness.case import EXPORTS, LEASES, case
from ..harness.small_disk import needs_mount, small_disk
from ..harness.tracing import calls_fail, needs_tracing
from ..harness.world import World


@case(
    "L01",
    "the file system is full at a third of the disk",
    "OSError(ENOSPC), not tried again, nothing kept",
    stars=2,
    needs=needs_mount,
    within=small_disk,
)
def full(world: World) -> None:
    world.write_below(world.own)
    with world.fails(OSError, errno=errno.ENOSPC):
        world.job()
    world.expect(len(world.requests()) == 1, "the disk was asked for once")


def _part(world: World) -> Path:
    return world.target / "disk-0.vmdk.part"


CALLS = {
    "fsync ENOSPC": ("fsync:error=ENOSPC", errno.ENOSPC),
    "fsync EIO": ("fsync:error=EIO", errno.EIO),
    "fsync EDQUOT": ("fsync:error=EDQUOT", errno.EDQUOT),
}


@case(
    "L02",
    "no space is left when the file is synced",
    "OSError with its errno, the old file as it was",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants=CALLS,
)
def full_at_the_end(world: World, how: tuple[str, int]) -> None:
    fault, number = how
    with world.fails(OSError, errno=number), calls_fail(fault, only=_part(world)):
        world.job()


@case(
    "L03",
    "a write of the disk fails with EIO, the first or a later one",
    "OSError(EIO)",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants={"first": 1, "third": 3},
)
def write_fails(world: World, when: int) -> None:
    faults = [f"{call}:error=EIO:when={when}+" for call in ("write", "pwrite64", "writev")]
    with world.fails(OSError, errno=errno.EIO), calls_fail(*faults, only=_part(world)):
        world.job()


@case(
    "L04",
    "fsync fails with EIO once",
    "OSError(EIO): it is not called again, as if that helped",
    faces=("blocking", "export_vm"),
    needs=needs_tracing,
)
def sync_fails(world: World) -> None:
    only = [_part(world)] if world.face == "blocking" else []
    with (
        world.fails(OSError, errno=errno.EIO),
        calls_fail("fsync:error=EIO:when=1", "fdatasync:error=EIO:when=1", only=only),
    ):
        world.job()


RENAMES = ("rename", "renameat", "renameat2", "linkat")


@case(
    "L05",
    "the file cannot get its name",
    "OSError with its errno",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants={"EXDEV": errno.EXDEV, "EACCES": errno.EACCES},
)
def no_rename(world: World, number: int) -> None:
    name = errno.errorcode[number]
    kind = PermissionError if number == errno.EACCES else OSError
    with (
        world.fails(kind, errno=number),
        calls_fail(*(f"{call}:error={name}" for call in RENAMES)),
    ):
        world.job()


@contextmanager
def limited(what: int, soft: int) -> Iterator[None]:
    """A limit of this process, for the length of a block."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


@case(
    "L07",
    "there is no descriptor any more when the disk is asked for",
    "OSError(EMFILE), and Abort comes through all the same",
    faces=LEASES[:1],
)
def no_descriptors(world: World) -> None:
    with world.fails(OSError, errno=errno.EMFILE), HttpNfcLease(world.vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lowest = os.dup(0)
        os.close(lowest)
        with limited(resource.RLIMIT_NOFILE, lowest):
            lease.download(disk, world.target / "disk-0.vmdk", overwrite=True)


@case("L08", "files may have 1 MiB", "OSError(EFBIG), and the process lives", faces=EXPORTS)
def too_large(world: World) -> None:
    with world.fails(OSError, errno=errno.EFBIG), limited(resource.RLIMIT_FSIZE, 1 << 20):
        world.job()
