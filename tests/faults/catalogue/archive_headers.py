"""A: the headers of an archive that is read lie, or it is cut."""

from __future__ import annotations

from collections.abc import Callable

import nfclease
from nfclease import (
    NfcError,
    PackageError,
    UnsafePathError,
)

from ...support.package_sources import pieces
from ...support.packages import (
    END,
    entry,
    ova,
    package,
    stream_disk,
    with_checksum,
)
from ..harness.case import IMPORTS, case
from ..harness.world import World

FILES = {"disk.vmdk": stream_disk(3000)}


def _pax(name: bytes, value: bytes) -> bytes:
    """A PAX header before a member."""
    line = b" %s=%s\n" % (name, value)
    length = len(line) + 2
    return entry("pax", b"%d%s" % (length + (length > 99), line), type=b"x")


def _base256(size: int) -> bytes:
    """The header of a disk of so many bytes, as GNU tar writes those beyond 8 GiB."""
    header = bytearray(entry("disk.vmdk")[:512])
    header[124:136] = b"\x80" + size.to_bytes(11, "big")
    return with_checksum(bytes(header))


def _second(*parts: bytes) -> bytes:
    return entry("demo.ovf", package(FILES, algorithm=None)["demo.ovf"]) + b"".join(parts) + END


DISK_MEMBER = entry("disk.vmdk", FILES["disk.vmdk"])


LIES: dict[str, Callable[[], bytes]] = {
    "PAX size": lambda: _second(_pax(b"size", b"1000000000"), DISK_MEMBER),
    "PAX size of no number": lambda: _second(_pax(b"size", b"-1"), DISK_MEMBER),
    "PAX path outside": lambda: _second(_pax(b"path", b"../../disk.vmdk"), DISK_MEMBER),
    "GNU long name outside": lambda: _second(
        entry("././@LongLink", b"../" * 50 + b"disk.vmdk\0", type=b"L"), DISK_MEMBER
    ),
    "GNU long name without a member": lambda: _second(
        entry("././@LongLink", b"disk.vmdk\0", type=b"L")
    ),
    "GNU sparse": lambda: _second(entry("disk.vmdk", FILES["disk.vmdk"], type=b"S")),
    "a disk twice": lambda: _second(DISK_MEMBER, entry("disk.vmdk", stream_disk(3000, 2))),
    "9 GiB of a few": lambda: _second(_base256(9 << 30), FILES["disk.vmdk"]),
    "2^88 bytes": lambda: _second(_base256(2**88 - 1), FILES["disk.vmdk"]),
    "a checksum that is wrong": lambda: _second(DISK_MEMBER.replace(b"ustar", b"ustaR", 1)),
}


@case(
    "A11",
    "headers of PAX and GNU that lie, a member twice, sizes beyond the end and beyond 64 bits",
    "PackageError or UnsafePathError, and no lease was opened",
    faces=IMPORTS,
    variants=LIES,
)
def lying_headers(world: World, made: Callable[[], bytes]) -> None:
    world.package = world.folder / "package.ova"
    world.package.write_bytes(made())
    with world.refuses(PackageError, UnsafePathError):
        world.job()
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")


@case(
    "A12",
    "the same as a stream that is read once",
    "an error of ours, and the VM of an import that had begun is gone",
    faces=IMPORTS,
    variants=LIES,
)
def lying_headers_in_order(world: World, made: Callable[[], bytes]) -> None:
    world.package = pieces(made())  # type: ignore[assignment]
    with world.refuses(NfcError):
        world.job()
    if world.simulator.calls("ImportVApp"):
        world.wanted.append(("Abort",))


@case(
    "A20",
    "an archive that is cut at each of its blocks",
    "verify says at none of them that it is whole, and raises nothing that is not ours",
    faces=("export_vm",),
)
def cut_at_each_block(world: World) -> None:
    content = ova(package())
    path = world.folder / "cut.ova"
    path.write_bytes(content)
    world.expect(nfclease.verify(path).ok, "whole it is right")
    end = len(content.rstrip(b"\0"))
    for length in range(0, end, 512):
        path.write_bytes(content[:length])
        with world.reading(NfcError):
            world.expect(not nfclease.verify(path).ok, f"{length} bytes are not all of it")
