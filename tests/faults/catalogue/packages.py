"""H and A: packages from somebody who means no good, or whose tools do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nfclease import ChecksumMismatchError, NfcError, PackageError, UnsafePathError

from ...support.packages import END, entry, manifest, ova, package, written
from ..harness.case import IMPORTS, case
from ..harness.world import World

Members = dict[str, bytes]


def _bring(world: World, members: Members) -> None:
    """Lets the case import this package, from a directory."""
    world.package = written(world.folder / "package", members)


def _bring_ova(world: World, content: bytes) -> None:
    world.package = world.folder / "package.ova"
    world.package.write_bytes(content)


def _with_mf(change: Callable[[bytes], bytes]) -> Members:
    members = package()
    return {**members, "demo.mf": change(members["demo.mf"])}


def _digest_of(line: bytes) -> bytes:
    return line.split(b"= ")[1].strip()


def _wrong(lines: bytes) -> bytes:
    digest = _digest_of(lines.splitlines()[1])
    return lines.replace(digest, b"0" * len(digest))


def _twice(lines: bytes) -> bytes:
    return lines + lines.splitlines()[1].split(b"= ")[0] + b"= " + b"1" * 64 + b"\n"


MANIFESTS: dict[str, tuple[Callable[[bytes], bytes], type[NfcError] | None]] = {
    "wrong digest": (_wrong, ChecksumMismatchError),
    "twice": (_twice, PackageError),
    "unknown algorithm": (lambda lines: lines.replace(b"SHA256", b"MD5"), PackageError),
    "missing file": (lambda lines: lines + b"SHA256(none)= " + b"0" * 64 + b"\n", PackageError),
    "file not listed": (lambda lines: lines.splitlines(True)[0], PackageError),
    "CRLF": (lambda lines: lines.replace(b"\n", b"\r\n"), None),
    "spaces": (lambda lines: lines.replace(b"(", b" (").replace(b")=", b") ="), None),
}


@case(
    "H29",
    "a manifest file with a wrong digest, an entry twice, an unknown algorithm, a file too many or "
    "too few, CRLF, spaces",
    "an error before or with the disk; the last two are read",
    faces=IMPORTS,
    variants=MANIFESTS,
    stars=2,
)
def manifest_files(
    world: World, how: tuple[Callable[[bytes], bytes], type[NfcError] | None]
) -> None:
    change, kind = how
    _bring(world, _with_mf(change))
    if kind is None:
        world.job()
        return
    with world.fails(kind, ends=("Abort",) if kind is ChecksumMismatchError else ()):
        world.job(strict=True)


def _member(name: str, **header: Any) -> bytes:
    """An archive whose second member, which the descriptor lists as its disk, is like this."""
    descriptor = package(algorithm=None)["demo.ovf"]
    return entry("demo.ovf", descriptor) + entry(name, **header) + END


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "link": lambda: _member("disk.vmdk", type=b"2", linkname="/etc/passwd"),
    "hard link": lambda: _member("disk.vmdk", type=b"1", linkname="demo.ovf"),
    "device": lambda: _member("disk.vmdk", type=b"3"),
    "above": lambda: _member("../disk.vmdk", data=package()["disk.vmdk"]),
    "absolute": lambda: _member("/etc/disk.vmdk", data=package()["disk.vmdk"]),
    "descriptor twice": lambda: _member("demo.ovf", data=package()["demo.ovf"]),
    "cut": lambda: ova(package())[:5000],
    "nothing": lambda: b"",
}


@case(
    "H28",
    "an archive whose disk is a link, a device or elsewhere, or with two descriptors, or cut",
    "PackageError or UnsafePathError, and no lease was opened",
    faces=IMPORTS,
    variants=ARCHIVES,
)
def archives(world: World, made: Callable[[], bytes]) -> None:
    _bring_ova(world, made())
    with world.refuses(UnsafePathError, PackageError):
        world.job()
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")


DESCRIPTORS: dict[str, Callable[[bytes], bytes]] = {
    "DOCTYPE": lambda text: text.replace(b"<Envelope", b"<!DOCTYPE a [<!ENTITY b 'c'>]><Envelope"),
    "not XML": lambda text: b"no descriptor",
    "cut": lambda text: text[: len(text) // 2],
    "outside": lambda text: text.replace(b"disk.vmdk", b"../disk.vmdk"),
    "deep": lambda text: text.replace(b"<Name>", b"<a>" * 5000 + b"<Name>"),
    "empty": lambda text: b"",
}


@case(
    "A01",
    "a descriptor with a DOCTYPE, no XML, cut, leading out of its folder, deep, or empty",
    "an error of ours, and no lease was opened",
    faces=IMPORTS,
    variants=DESCRIPTORS,
)
def descriptors(world: World, change: Callable[[bytes], bytes]) -> None:
    members = package(algorithm=None)
    _bring(world, {**members, "demo.ovf": change(members["demo.ovf"])})
    with world.refuses(NfcError):
        world.job()
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")


@case(
    "A02",
    "a package whose disk is a link to a file of this machine",
    "UnsafePathError, and no byte of it is sent",
    faces=IMPORTS,
)
def linked_disk(world: World) -> None:
    members = package()
    _bring(world, members)
    disk = Path(world.package, "disk.vmdk")
    secret = world.folder / "secret"
    secret.write_bytes(members["disk.vmdk"])
    disk.unlink()
    disk.symlink_to(secret)
    with world.fails(UnsafePathError, ends=()):
        world.job()
    world.expect(not world.requests(), "no byte was sent")


@case(
    "A03",
    "an archive whose manifest file has another digest than its disk",
    "ChecksumMismatchError, and the VM is gone",
    faces=IMPORTS,
)
def archive_differs(world: World) -> None:
    members = _with_mf(_wrong)
    _bring_ova(world, ova(members))
    with world.fails(ChecksumMismatchError):
        world.job()


@case("A04", "an archive as it should be", "it is imported", faces=IMPORTS)
def good_archive(world: World) -> None:
    members = package(algorithm=None)
    sums = manifest(members, "sha512")
    _bring_ova(world, ova({"demo.ovf": members["demo.ovf"], "demo.mf": sums, **members}))
    world.job()
