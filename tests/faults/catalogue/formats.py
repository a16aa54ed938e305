"""V: disks that become images of another format while they come."""

from __future__ import annotations

from typing import Any

from nfclease import ChecksumMismatchError, DiskFormatError, HttpNfcLease, TruncatedError

from ...support.leases import disk_of
from ..harness.case import LEASES, case
from ..harness.world import DISK, DISK_SIZE, World

FORMATS = {"raw": "raw", "qcow2": "qcow2"}


def _image(world: World, kind: Any) -> Any:
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        return lease.download(disk_of(lease), world.target / f"disk.{kind}", format=kind)


@case(
    "V01", "the connection is reset once", "the image, verified", faces=LEASES[:1], variants=FORMATS
)
def reset_once(world: World, kind: str) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=DISK_SIZE // 2, how="reset", count=1)
    result = _image(world, kind)
    world.expect((result.verified, result.attempts) == ("manifest", 2), "verified at the second")
    world.wanted.append(("Complete",))


@case(
    "V02", "it is reset every time", "TruncatedError, no image", faces=LEASES[:1], variants=FORMATS
)
def reset_always(world: World, kind: str) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=DISK_SIZE // 2, how="reset")
    with world.fails(TruncatedError, attempts=2):
        _image(world, kind)


@case(
    "V03",
    "the server's sum of the stream is another",
    "ChecksumMismatchError, no image",
    faces=LEASES[:1],
    variants=FORMATS,
)
def another_sum(world: World, kind: str) -> None:
    world.simulator.inject("manifest", disk=DISK, sha1="0" * 40)
    with world.fails(ChecksumMismatchError, attempts=2):
        _image(world, kind)


@case("V04", "a page in its place", "DiskFormatError, no image", faces=LEASES[:1], variants=FORMATS)
def page(world: World, kind: str) -> None:
    world.simulator.inject("html", disk=DISK)
    with world.fails(DiskFormatError, attempts=1):
        _image(world, kind)
