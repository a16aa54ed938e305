"""Disks that the cases about formats begin with, and what each of them is to become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nfclease import image

from ...support.disks import GRAIN, stream
from .world import World

#: A face that has no part in it: what a case does with disks has no lease.
HERE = ("blocking",)
MIB = 1 << 20
#: What a disk becomes, by the options of ``image.convert``.
TARGETS: dict[str, dict[str, Any]] = {
    "raw": {"to": "raw"},
    "qcow2": {"to": "qcow2"},
    "deflate": {"to": "qcow2", "qcow2_compression": "deflate"},
    "transplant": {"to": "qcow2", "qcow2_compression": "transplant", "grains": True},
    "vmdk": {"to": "vmdk"},
}
PLAIN = {name: TARGETS[name] for name in ("raw", "qcow2", "vmdk")}


def raw_disk(world: World, size: int = 4 * MIB, name: str = "disk.raw") -> Path:
    """A raw disk that cannot be compressed."""
    path = world.folder / name
    with path.open("wb") as file:
        for _ in range(0, size, MIB):
            file.write(world.random.randbytes(MIB))
    return path


def stream_of(world: World, raw: Path) -> Path:
    """The streamOptimized disk of a raw one."""
    image.convert(raw, world.folder / "disk.vmdk")
    return world.folder / "disk.vmdk"


def of_one_mib(world: World) -> tuple[Path, bytes]:
    """A streamOptimized disk of 1 MiB, and its bytes."""
    grains = {number: b"%d text " % number * 4000 for number in (0, 3, 4, 9)}
    grains[12] = world.random.randbytes(GRAIN)
    path = world.folder / "disk.vmdk"
    path.write_bytes(stream(grains, MIB))
    plain = b"".join(grains.get(at, b"")[:GRAIN].ljust(GRAIN, b"\0") for at in range(MIB // GRAIN))
    return path, plain
