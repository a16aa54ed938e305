"""V: what an image is written to is full, too small, or taken."""

from __future__ import annotations

import errno
import shutil
import subprocess
import tempfile
from typing import Any

from nfclease import (
    ChecksumMismatchError,
    HttpNfcLease,
    image,
)

from ...support.converting import package_of
from ...support.leases import disk_of
from ...support.loop_device import loop_device
from ...support.packages import written
from ..harness.case import IMPORTS, case
from ..harness.disks import HERE, MIB, PLAIN, raw_disk, stream_of
from ..harness.small_disk import needs_mount, small_disk
from ..harness.world import DISK, World


@case(
    "V08",
    "the file system of an image is full in the middle of a conversion",
    "OSError with ENOSPC, no image",
    faces=HERE,
    variants=PLAIN,
    within=small_disk,
    needs=needs_mount,
)
def full_target(world: World, options: dict[str, Any]) -> None:
    world.write_below(world.own)
    source = raw_disk(world, 4 * MIB, "disk.img")
    if options["to"] == "raw":
        source = stream_of(world, source)
    with world.fails(OSError, errno=errno.ENOSPC, ends=()):
        image.convert(source, world.target / "new", **options)


def needs_loop_device() -> str:
    """Why a block device cannot be made here; empty where it can."""
    if not shutil.which("losetup"):
        return "no losetup"
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(MIB)
        made = subprocess.run(
            ["losetup", "--find", "--show", file.name], capture_output=True, text=True
        )
        if made.returncode:
            return "no loop device can be had"
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)
    return ""


@case(
    "V09",
    "a block device that is smaller than the disk",
    "an OSError before its first byte is another",
    faces=HERE,
    needs=needs_loop_device,
)
def small_device(world: World) -> None:
    source = stream_of(world, raw_disk(world))
    below = world.folder / "below"
    below.write_bytes(b"\xff" * (3 * MIB))
    with loop_device(below) as device, world.fails(OSError, errno=errno.ENOSPC, ends=()):
        image.convert(source, device, block_device=True)
    world.expect(below.read_bytes() == b"\xff" * (3 * MIB), "what was on it is there")


@case(
    "V18",
    "a raw disk of a package is to be sent as a stream, and the disk is too full to make that",
    "OSError with ENOSPC before a lease is opened",
    faces=IMPORTS,
    within=small_disk,
    needs=needs_mount,
)
def no_room_to_convert(world: World) -> None:
    data = world.random.randbytes(4 * MIB)
    world.package = written(world.folder / "package", package_of("disk.raw", data, 4 * MIB))
    before, tempfile.tempdir = tempfile.tempdir, str(world.own)
    try:
        with world.fails(OSError, errno=errno.ENOSPC, ends=()):
            world.job(convert=True)
    finally:
        tempfile.tempdir = before
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")
    world.expect(not list(world.own.iterdir()), "nothing is left where it was made")


@case(
    "V20",
    "one of three targets of a download is there already, or its grains are damaged on the way",
    "none of the three has its name",
    faces=HERE,
    variants={"there": False, "damaged": True},
)
def several_targets(world: World, damaged: bool) -> None:
    if damaged:
        world.simulator.inject("manifest", disk=DISK, sha1="0" * 40)
    else:
        (world.target / "disk.qcow2").write_bytes(b"an older image")
        world.keep()
    kind: type[Exception] = ChecksumMismatchError if damaged else FileExistsError
    also: dict[Any, Any]
    also = {world.target / "disk.qcow2": "qcow2", world.target / "disk.raw": "raw"}
    with world.fails(kind), HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        lease.download(disk_of(lease), world.target / "new.vmdk", also=also)
