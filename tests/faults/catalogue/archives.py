"""A: archives and packages that are written or read, where something goes wrong."""

from __future__ import annotations

import errno
import gzip
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nfclease
from nfclease import (
    ChecksumMismatchError,
    DiskFormatError,
    HttpStatusError,
    NfcError,
    PackageError,
    ProtocolError,
    SizeMismatchError,
)

from ...support.inventory import connected
from ...support.package_sources import pieces
from ...support.packages import (
    END,
    both_forms,
    descriptor,
    entry,
    ova,
    package,
    stream_disk,
    with_checksum,
    written,
)
from ...support.packages import manifest as manifest_of
from ...support.waiting import wait_for
from ...support.web import Web
from ..harness.case import IMPORTS, case
from ..harness.world import DISK, World
from .local import needs_mount, small_disk

EXPORT = ("export_vm",)
FILES = {"disk.vmdk": stream_disk(3000)}


def _archive(world: World, **options: Any) -> Any:
    """Exports the VM to an archive."""
    target = world.target / "one.ova"
    return nfclease.export_vm(world.vm, target, **{**world.options, **options})


def _refused(world: World, *kinds: type[BaseException], **options: Any) -> None:
    """The import ends in one of these, before a lease is opened."""
    world.failed = True
    seen: list[str] = []
    try:
        world.job(**options)
    except kinds as error:
        seen.append(type(error).__name__)
        world.texts += [repr(error), str(error)]
    world.expect(seen, "it is refused")
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")


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
    world.before = {**world.before, **_tree(world)}
    world.simulator.inject("status", disk=DISK, code=410)
    with world.fails(HttpStatusError, status=410):
        _archive(world, overwrite=True)


def _tree(world: World) -> dict[str, str]:
    from ..harness.invariants import tree_of

    return dict(tree_of(world.target))


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
        wait_for(world.simulator.requests)
        for session in connected(world.simulator):
            try:
                nfclease.export_vm(_named(session, "one"), world.target / "one.ova")
            except FileExistsError as error:
                refused.append(str(error))

    thread = threading.Thread(target=second)
    thread.start()
    _archive(world)
    thread.join()
    world.expect(refused and "one.ova" in refused[0], f"the second is refused: {refused}")
    world.expect(nfclease.verify(world.target / "one.ova").ok, "the first is whole")
    world.expect(len(world.simulator.calls("ExportVm")) == 1, "the second had no lease")
    world.wanted.append(("Complete",))


def _named(session: Any, name: str) -> Any:
    from pyVmomi import vim

    from ...support.inventory import find

    return find(session, vim.VirtualMachine, name)


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
    "its own OSError, and the lease is aborted: a file object has all of it before Complete",
    faces=EXPORT,
)
def full_file_object(world: World) -> None:
    with world.fails(OSError, errno=errno.ENOSPC):
        nfclease.export_vm(world.vm, _Full(1 << 20), **world.options)


@case(
    "A09",
    "who reads the pipe that an archive is written to goes away",
    "BrokenPipeError, and the lease is aborted",
    faces=EXPORT,
)
def reader_goes(world: World) -> None:
    reading, writing = os.pipe()

    def read() -> None:
        os.read(reading, 1000)
        os.close(reading)

    thread = threading.Thread(target=read)
    thread.start()
    with os.fdopen(writing, "wb", buffering=0) as pipe, world.fails(BrokenPipeError):
        nfclease.export_vm(world.vm, pipe, **world.options)
    thread.join()


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
    _refused(world, PackageError, nfclease.UnsafePathError)


@case(
    "A12",
    "the same as a stream that is read once",
    "an error of ours, and the VM of an import that had begun is gone",
    faces=IMPORTS,
    variants=LIES,
)
def lying_headers_in_order(world: World, made: Callable[[], bytes]) -> None:
    world.package = pieces(made())  # type: ignore[assignment]
    world.failed = True
    ended = ""
    try:
        world.job()
        world.wanted.clear()
    except NfcError as error:
        ended = type(error).__name__
        world.texts += [repr(error), str(error)]
    world.expect(ended, "it is refused")
    if world.simulator.calls("ImportVApp"):
        world.wanted.append(("Abort",))


def _at_web(world: World, name: str = "demo.ova", **habits: Any) -> Web:
    """Lets the case import a package from a web server."""
    folder = world.folder / "web"
    folder.mkdir()
    web = Web(both_forms(package(FILES)), folder, **habits)
    world.stack.callback(web.close)
    world.package = web.url(name)  # type: ignore[assignment]
    return web


FORMS = {"archive": "demo.ova", "files": "x/demo.ovf"}


@case(
    "A13",
    "a web server that answers no Range",
    "the import is verified, of an archive read once",
    faces=IMPORTS,
    variants=FORMS,
)
def without_range(world: World, name: str) -> None:
    web = _at_web(world, name, ranges=False)
    world.job(ca_file=web.ca_file)


@case(
    "A14",
    "a web server that ends each connection early",
    "the import is verified; without Range, where nothing can be asked for again, the VM is gone",
    faces=IMPORTS,
    variants={"with Range": True, "without": False},
)
def cut_again_and_again(world: World, ranges: bool) -> None:
    web = _at_web(world, ranges=ranges, cut_after=200_000)
    if ranges:
        world.job(ca_file=web.ca_file)
        return
    with world.fails(nfclease.TruncatedError):
        world.job(ca_file=web.ca_file)


BAD_PARTS: dict[str, dict[str, Any]] = {
    "changed in between": {"long_etag": '"other"'},
    "another part than asked for": {"long_shift": 512},
}


@case(
    "A15",
    "a web server that changes the file between two parts, or sends another part",
    "ProtocolError, and the VM is gone",
    faces=IMPORTS,
    variants=BAD_PARTS,
)
def bad_parts(world: World, habits: dict[str, Any]) -> None:
    web = _at_web(world, **habits)
    with world.fails(ProtocolError):
        world.job(ca_file=web.ca_file)


@case(
    "A16",
    "a web server whose certificate nobody vouches for, one that redirects to a stranger, one that "
    "wants a login",
    "an error of ours before there is a lease",
    faces=IMPORTS,
    variants={"certificate": {}, "redirect": {"redirects": True}, "login": {"login": "Basic x"}},
)
def refused_addresses(world: World, habits: dict[str, Any]) -> None:
    web = _at_web(world, **{name: value for name, value in habits.items() if name != "redirects"})
    if "redirects" in habits:
        web.habits.redirects["/demo.ova"] = "http://127.0.0.1:9/demo.ova"
    _refused(world, NfcError, **({"ca_file": web.ca_file} if habits else {}))


def _zipped(data: bytes) -> dict[str, bytes]:
    return package({"disk.vmdk": data}, file_attributes='ovf:compression="gzip"')


def _chunked(missing: str = "", longer: str = "") -> dict[str, bytes]:
    data, size = FILES["disk.vmdk"], 1_000_000
    parts = {
        f"disk.vmdk.{number:09}": data[at : at + size]
        for number, at in enumerate(range(0, len(data), size))
    }
    if longer:
        parts[longer] += bytes(size)
    ovf = descriptor({"disk.vmdk": len(data)}, file_attributes=f'ovf:chunkSize="{size}"')
    made = {"demo.ovf": ovf, "demo.mf": manifest_of({"demo.ovf": ovf, **parts}), **parts}
    return {name: part for name, part in made.items() if name != missing}


PACKED: dict[str, Callable[[], dict[str, bytes]]] = {
    "gzip, cut": lambda: _zipped(gzip.compress(FILES["disk.vmdk"], 1)[:-100]),
    "gzip, damaged": lambda: _zipped(gzip.compress(FILES["disk.vmdk"], 1)[:-8] + bytes(8)),
    "no gzip": lambda: _zipped(FILES["disk.vmdk"]),
    "a bomb of 64 MiB": lambda: _zipped(gzip.compress(bytes(64 << 20), 9)),
    "a piece is missing": lambda: _chunked(missing="disk.vmdk.000000001"),
    "a piece is too long": lambda: _chunked(longer="disk.vmdk.000000000"),
}


@case(
    "A17",
    "a disk that is compressed and cut, damaged, no gzip or a bomb; one in pieces, of which one is "
    "missing or too long",
    "an error of ours, before there is a lease",
    faces=IMPORTS,
    variants=PACKED,
)
def packed(world: World, made: Callable[[], dict[str, bytes]]) -> None:
    world.package = written(world.folder / "package", made())
    _refused(world, PackageError, DiskFormatError, SizeMismatchError)


CERTIFICATES = {
    "of rubbish": b"no certificate\x00\xff",
    "of another manifest": b"SHA256(demo.mf)= " + b"0" * 512 + b"\n-----BEGIN CERTIFICATE-----\n",
    "empty": b"",
}


@case(
    "A18",
    "a package that is signed by a certificate that is rubbish, of another manifest file, or empty",
    "it is imported: who signed a package is not judged, what it holds is",
    faces=IMPORTS,
    variants=CERTIFICATES,
)
def certificates(world: World, certificate: bytes) -> None:
    world.package = written(world.folder / "package", {**package(FILES), "demo.cert": certificate})
    world.job()


@case(
    "A19",
    "a manifest file that lists another digest of the descriptor itself",
    "ChecksumMismatchError before there is a lease",
    faces=IMPORTS,
    variants={"sha1": "sha1", "sha256": "sha256", "sha512": "sha512"},
)
def descriptor_differs(world: World, algorithm: str) -> None:
    members = package(FILES, algorithm=algorithm)
    members["demo.ovf"] = members["demo.ovf"].replace(b"<Info>A VM</Info>", b"<Info>B VM</Info>")
    world.package = written(world.folder / "package", members)
    with world.fails(ChecksumMismatchError, ends=()):
        world.job()


@case(
    "A20",
    "an archive that is cut at each of its blocks",
    "verify says at none of them that it is whole, and raises nothing that is not ours",
    faces=EXPORT,
)
def cut_at_each_block(world: World) -> None:
    content = ova(package())
    path = world.folder / "cut.ova"
    path.write_bytes(content)
    world.expect(nfclease.verify(path).ok, "whole it is right")
    end = len(content.rstrip(b"\0"))
    for length in range(0, end, 512):
        path.write_bytes(content[:length])
        try:
            world.expect(not nfclease.verify(path).ok, f"{length} bytes are not all of it")
        except NfcError as error:
            world.texts += [repr(error), str(error)]


@case(
    "A21",
    "the directory of a package goes away while it is verified",
    "an OSError or an error of ours, and no verdict",
    faces=EXPORT,
)
def vanishes(world: World) -> None:
    place = written(world.folder / "package", package({"disk.vmdk": stream_disk(3000)}))
    gone = Path(f"{place}.gone")
    package_ = nfclease.inspect(place)
    world.expect(package_.files, "it can be looked at")
    place.rename(gone)
    with world.fails(FileNotFoundError, ends=()):
        nfclease.verify(place)
