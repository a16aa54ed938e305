"""L16 to L22: file systems that lack what others have, as those over object stores, by FUSE."""

from __future__ import annotations

import errno
from typing import Any

from nfclease import HttpNfcLease

from ...support.leases import disk_of
from ...support.waiting import meanwhile
from ..harness.case import EXPORTS, LEASES, case
from ..harness.mounts import needs_fuse, own_mounts, store_below
from ..harness.world import DISK, DISK_SIZE, World

FUSE: dict[str, Any] = {"needs": needs_fuse, "within": own_mounts}


@case(
    "L17",
    "the target is on an object store: no hard links, no rename that replaces nothing",
    "verified, under its final name, and nothing beside it",
    stars=1,
    faces=EXPORTS,
    **FUSE,
)
def lacks_links(world: World) -> None:
    store_below(world)
    world.job()
    names = {"disk-0.vmdk", "package", "one.ova"}
    found = {path.name for path in world.target.iterdir()}
    world.expect(len(found) == 1 and found < names, f"one final name, not {found}")


@case(
    "L18",
    "somebody takes the final name on an object store, before a disk is complete",
    "FileExistsError without overwrite=True, and their file is as it was",
    faces=LEASES[:1],
    **FUSE,
)
def name_taken(world: World) -> None:
    target = store_below(world) / "disk-0.vmdk"
    target.unlink()
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 2)

    with (
        meanwhile(world.simulator.requests, lambda: target.write_bytes(b"an older disk")),
        world.fails(FileExistsError),
        HttpNfcLease(world.vm.ExportVm()) as lease,
    ):
        lease.download(disk_of(lease), target)


#: The first rename tries how a file gets its name, before a byte is asked for.
REFUSED = {
    "first write ENOSPC": ("write:ENOSPC", errno.ENOSPC),
    "tenth write EIO": ("write:EIO:10", errno.EIO),
    "fsync EIO": ("fsync:EIO", errno.EIO),
    "flush EIO, at a close": ("flush:EIO", errno.EIO),
    "create ENOSPC": ("create:ENOSPC", errno.ENOSPC),
    "first rename EIO": ("rename:EIO", errno.EIO),
    "second rename EIO": ("rename:EIO:2", errno.EIO),
}


@case(
    "L19",
    "an object store refuses to create, to write, to sync, to close or to rename",
    "OSError with its errno, the old file or package as it was",
    faces=("blocking", "export_vm"),
    variants=REFUSED,
    **FUSE,
)
def refused(world: World, how: tuple[str, int]) -> None:
    fault, number = how
    store_below(world, fault)
    with world.fails(OSError, errno=number):
        world.job()


@case(
    "L20",
    "an object store removes nothing, and the disk breaks off",
    "the error of the disk, and what it names as left is what was left",
    faces=LEASES[:1],
    **FUSE,
)
def nothing_removed(world: World) -> None:
    from nfclease import TruncatedError

    target = store_below(world, "unlink:EIO")
    part = target / "disk-0.vmdk.part"
    world.simulator.inject("cut", disk=DISK, after_bytes=DISK_SIZE // 2, how="reset")
    with world.fails(TruncatedError, files_left=[str(part)]):
        world.job()
    world.expect(part.exists(), "the partial file is there, as it is told")
    (world.own / "backing" / "target" / part.name).unlink()


#: Each write is 128 KiB at most. fsync takes longer than the timeout, and it is not the network's.
SLOW = {"write": "write:slow=0.05", "fsync": "fsync:slow=3", "rename": "rename:slow=1"}


@case(
    "L21",
    "an object store is slow: each write, or fsync for longer than the timeout",
    "verified: a stall is of the network, and memory stays bounded",
    faces=LEASES[:1],
    variants=SLOW,
    deadline=60.0,
    **FUSE,
)
def slow(world: World, fault: str) -> None:
    store_below(world, fault)
    world.job()


class _Upload:
    """A writer of the user's, as those of objects in S3: parts, and a name only at its end."""

    def __init__(self, refuses: int, error: OSError) -> None:
        self._refuses, self._error = refuses, error
        self.parts = 0
        self.ended = ""

    def write(self, data: bytes) -> int:
        """A part."""
        if self.ended:
            raise ValueError("it has ended")
        self.parts += 1
        if self.parts == self._refuses:
            raise self._error
        return len(data)

    def __enter__(self) -> _Upload:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.ended = "completed" if kind is None else "aborted"


PARTS: dict[str, tuple[int, type[OSError]]] = {
    "500 at once": (1, OSError),
    "403 later": (2, PermissionError),
}


@case(
    "L16",
    "a writer of the user's, such as of an object in S3, refuses a part",
    "its own error, no part after it, and the user's block ends in it: nothing is completed",
    # nfclease has no client of S3: an object there is a target as a writer of the caller's is.
    faces=LEASES[:1],
    variants=PARTS,
)
def part_refused(world: World, how: tuple[int, type[OSError]]) -> None:
    number, kind = how
    world.large()
    error = kind(errno.EIO, "the store refuses the part")
    upload = _Upload(number, error)
    with world.fails(kind, says="refuses the part"), HttpNfcLease(world.vm.ExportVm()) as lease:
        disk = disk_of(lease)
        world.saw(lease)
        with upload:
            lease.download(disk, upload)  # type: ignore[call-overload,unused-ignore]
    world.expect(upload.ended == "aborted", f"the upload was aborted, not {upload.ended}")
    world.expect(upload.parts == number, "no part came after the one that was refused")


#: Descriptor and manifest file are written when all disks are there.
AT_THE_END = {
    ".ovf ENOSPC": ("write@.ovf:ENOSPC", errno.ENOSPC),
    ".mf EIO": ("write@.mf:EIO", errno.EIO),
    ".ovf fsync EIO": ("fsync@.ovf:EIO", errno.EIO),
    ".mf create EDQUOT": ("create@.mf:EDQUOT", errno.EDQUOT),
}


@case(
    "L22",
    "no place is left when descriptor or manifest file is written, after all disks",
    "OSError with its errno, the old package as it was; vCenter's part is complete by then",
    faces=("export_vm",),
    variants=AT_THE_END,
    **FUSE,
)
def full_at_the_end(world: World, how: tuple[str, int]) -> None:
    fault, number = how
    store_below(world, fault)
    with world.fails(OSError, errno=number, ends=("Complete",)):
        world.job()
