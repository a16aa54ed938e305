"""A: the files of a package are not what its descriptor or its manifest file says, or vanish."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nfclease
from nfclease import (
    ChecksumMismatchError,
    DiskFormatError,
    PackageError,
    SizeMismatchError,
)

from ...support.packages import (
    descriptor,
    package,
    stream_disk,
    written,
)
from ...support.packages import manifest as manifest_of
from ..harness.case import IMPORTS, case
from ..harness.world import World

FILES = {"disk.vmdk": stream_disk(3000)}


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
    with world.refuses(PackageError, DiskFormatError, SizeMismatchError):
        world.job()
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")


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
    "A21",
    "the directory of a package goes away while it is verified",
    "an OSError or an error of ours, and no verdict",
    faces=("export_vm",),
)
def vanishes(world: World) -> None:
    place = written(world.folder / "package", package({"disk.vmdk": stream_disk(3000)}))
    gone = Path(f"{place}.gone")
    package_ = nfclease.inspect(place)
    world.expect(package_.files, "it can be looked at")
    place.rename(gone)
    with world.fails(FileNotFoundError, ends=()):
        nfclease.verify(place)
