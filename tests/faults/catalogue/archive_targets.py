"""A: what an archive is written to is full, taken, or has what an earlier run left."""

from __future__ import annotations

import errno
import io
import os
from typing import Any

import nfclease
from nfclease import (
    HttpStatusError,
)
from nfclease.inventory import find

from ...support.inventory import connected
from ...support.waiting import meanwhile
from ..harness.case import case
from ..harness.small_disk import needs_mount, small_disk
from ..harness.world import DISK, World

EXPORT = ("export_vm",)


def _archive(world: World, **options: Any) -> Any:
    """Exports the VM to an archive."""
    target = world.target / "one.ova"
    return nfclease.export_vm(world.vm, target, **{**world.options, **options})


@case(
    "A05",
    "the file system is full while an archive is packed",
    "OSError with ENOSPC, and no archive",
    faces=EXPORT,
    within=small_disk,
    needs=needs_mount,
)
def full_while_packing(world: World) -> None:
    world.write_below(world.own)
    with world.fails(OSError, errno=errno.ENOSPC):
        _archive(world)


@case(
    "A06",
    "an archive of the name is there, and the export that is to replace it fails",
    "the old archive is as it was",
    faces=EXPORT,
)
def old_archive(world: World) -> None:
    (world.target / "one.ova").write_bytes(b"an older archive")
    world.keep()
    world.simulator.inject("status", disk=DISK, code=410)
    with world.fails(HttpStatusError, status=410):
        _archive(world, overwrite=True)


@case(
    "A07",
    "two exports to one archive at once",
    "the second is refused before it has a lease, the first is whole",
    faces=EXPORT,
)
def second_writer(world: World) -> None:
    world.large()
    world.simulator.inject("bandwidth", bytes_per_second=12 << 20)
    refused: list[str] = []

    def second() -> None:
        for session in connected(world.simulator):
            try:
                nfclease.export_vm(find(session, "one"), world.target / "one.ova")
            except FileExistsError as error:
                refused.append(str(error))

    with meanwhile(world.simulator.requests, second):
        _archive(world)
    world.expect(refused and "one.ova" in refused[0], f"the second is refused: {refused}")
    world.expect(nfclease.verify(world.target / "one.ova").ok, "the first is whole")
    world.expect(len(world.simulator.calls("ExportVm")) == 1, "the second had no lease")
    world.wanted.append(("Complete",))


class _Full(io.RawIOBase):
    """A file object that takes so many bytes."""

    def __init__(self, room: int) -> None:
        self._room = room

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "no room")
        return len(data)


@case(
    "A08",
    "the file object that an archive is written to has no more room",
    "its own OSError; the lease was completed, as the archive is written to an object after it",
    faces=EXPORT,
)
def full_file_object(world: World) -> None:
    with world.fails(OSError, errno=errno.ENOSPC, ends=("Complete",)):
        nfclease.export_vm(world.vm, _Full(1 << 20), **world.options)


@case(
    "A09",
    "who reads the pipe that an archive is written to goes away",
    "BrokenPipeError; the lease was completed before",
    faces=EXPORT,
)
def reader_goes(world: World) -> None:
    reading, writing = os.pipe()

    def read() -> None:
        os.read(reading, 1000)
        os.close(reading)

    with (
        meanwhile(lambda: True, read),
        os.fdopen(writing, "wb", buffering=0) as pipe,
        world.fails(BrokenPipeError, ends=("Complete",)),
    ):
        nfclease.export_vm(world.vm, pipe, **world.options)


@case(
    "A10",
    "an export with resume=True fails after its first disk, and that disk is damaged; then it is "
    "run again",
    "the disk is fetched again, and the package is whole",
    faces=EXPORT,
    variants={"directory": "two", "archive": "two.ova"},
)
def kept_disk_damaged(world: World, name: str) -> None:
    world.vm = world.named("two")
    target = world.target / name
    options: dict[str, Any] = {"resume": True, "max_concurrency": 1, "max_retries": 0}
    fault = world.simulator.inject("status", disk="disk-1", code=410)
    with world.fails(HttpStatusError):
        nfclease.export_vm(world.vm, target, **options)
    [kept] = [*world.target.glob(".*.resume/package/disk-0.vmdk")]
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 1
    kept.write_bytes(data)
    world.simulator.clear(fault)
    result = nfclease.export_vm(world.vm, target, **options)
    world.failed = False
    world.wanted.append(("Complete",))
    world.expect(not any(file.reused for file in result.files), "the damaged disk is not used")
    world.expect(nfclease.verify(target).ok, "the package is whole")
