"""Disks that are no streams, packages of them, and what has arrived of one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from nfclease import image

from .disks import GRAIN
from .faces import OpenLease
from .leases import disk_of
from .packages import descriptor, manifest
from .qemu import qemu_img

MIB = 1 << 20
SIZE = 3 * MIB


def content(size: int = SIZE) -> bytes:
    """What is on the disk."""
    chance = random.Random(9)
    return chance.randbytes(GRAIN).ljust(size - 3000, b"\0") + b"end".ljust(3000, b".")


def made(directory: Path, kind: str, size: int = SIZE) -> bytes:
    """A disk of this kind."""
    raw = directory / "made.raw"
    raw.write_bytes(content(size))
    if kind == "raw":
        return raw.read_bytes()
    qemu_img("convert", "-c", "-f", "raw", "-O", "qcow2", raw, directory / "made.qcow2")
    return (directory / "made.qcow2").read_bytes()


def arrived(open_lease: OpenLease, entity: Any, directory: Path) -> bytes:
    """The bytes of the disk that a server has now."""
    with open_lease(entity.ExportVm()) as lease:
        lease.download(disk_of(lease), directory / "arrived.vmdk")
    image.convert(directory / "arrived.vmdk", directory / "arrived.raw")
    return (directory / "arrived.raw").read_bytes()


def package_of(name: str, data: bytes, capacity: int = SIZE, *, said: str = "") -> dict[str, bytes]:
    """A package whose descriptor says, if `said`, which format its disk has."""
    ovf = descriptor({name: len(data)}, disks=[name], capacity=capacity)
    if said:
        ovf = ovf.replace(b"vmdk.html#streamOptimized", said.encode())
    return {"demo.ovf": ovf, "demo.mf": manifest({"demo.ovf": ovf, name: data}), name: data}
