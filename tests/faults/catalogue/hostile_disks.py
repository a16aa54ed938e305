"""V: disks that mean harm: their headers, tables and grains lie, or are bombs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from nfclease import (
    DiskFormatError,
    NfcError,
    image,
)

from ...formats import test_hostile, test_open_damaged, test_qcow2_reader
from ...support.disks import GRAIN, stream
from ...support.made_disks import by_vmware
from ..harness.case import case
from ..harness.disks import HERE, MIB, PLAIN, TARGETS, raw_disk
from ..harness.world import World


@case(
    "V05",
    "a VMDK whose header, tables, descriptor or grains lie, or that is a bomb, is converted",
    "DiskFormatError that names the file, no image, and no file that it names is opened",
    faces=HERE,
    variants=TARGETS,
    deadline=60.0,
)
def hostile_streams(world: World, options: dict[str, Any]) -> None:
    os.mkfifo(world.folder / "secret")  # who opens it waits for ever
    disk = world.folder / "disk.vmdk"
    for change in test_hostile.CHANGES.values():
        content = stream(test_hostile.GRAINS, test_hostile.CAPACITY)
        disk.write_bytes(change(bytearray(content)))
        with world.fails(DiskFormatError, says=r"disk\.vmdk", ends=()):
            image.convert(disk, world.target / "new", **options)


def _qcow2_lies() -> dict[str, bytes]:
    one_cluster = b"".join((3 * GRAIN).to_bytes(8, "big") for _ in range(8192)) + b"x" * GRAIN
    made = {
        "tables without end": ([2 * GRAIN] * 8192, bytes(GRAIN) + b"x" * GRAIN),
        "clusters without end": ([2 * GRAIN], one_cluster),
    }
    for entry in (3 * GRAIN + 512, 9 * GRAIN, 0x00FFFFFFFFFF0000, 1 << 62 | 9 * GRAIN, 2**63 - 1):
        table = (bytes(8) + entry.to_bytes(8, "big")).ljust(GRAIN, b"\0") + b"\xff" * GRAIN
        made[f"a cluster at {entry:#x}"] = ([2 * GRAIN], table)
    return {
        name: test_qcow2_reader.qcow2_of(l1, 512 * MIB * len(l1), rest)
        for name, (l1, rest) in made.items()
    }


@case(
    "V06",
    "a qcow2 image whose tables never end, whose clusters are elsewhere, or that is cut",
    "DiskFormatError that names the file, and nothing is made",
    faces=HERE,
    variants={name: PLAIN[name] for name in ("raw", "vmdk")},
)
def hostile_images(world: World, options: dict[str, Any]) -> None:
    path = world.folder / "disk.qcow2"
    image.convert(raw_disk(world), path, qcow2_compression="deflate")
    whole = path.read_bytes()
    cuts = {f"cut at {keep}": whole[:keep] for keep in (3, 71, 103, 4096, len(whole) // 2)}
    for content in [*_qcow2_lies().values(), *cuts.values()]:
        path.write_bytes(content)
        with world.fails(DiskFormatError, says=r"disk\.qcow2", ends=()):
            image.convert(path, world.target / "new", source_format="qcow2", **options)


@case(
    "V07",
    "each byte of the header of a qcow2 image is another, one after the other",
    "an error of ours or a disk, and no more of it than the file can have",
    faces=HERE,
    deadline=60.0,
)
def each_header_byte(world: World) -> None:
    path, new = world.folder / "disk.qcow2", world.target / "new.raw"
    image.convert(raw_disk(world, MIB), path)
    whole = path.read_bytes()
    for at in range(112):
        changed = bytearray(whole)
        changed[at] ^= 1 << world.random.randrange(8)
        path.write_bytes(changed)
        with world.reading(NfcError, ValueError, OSError):
            made = image.convert(path, new, source_format="qcow2")
            world.expect(made.populated <= 64 * len(whole), f"byte {at}: not more than there is")
            new.unlink()
    world.expect(world.texts, "some were refused")


@case(
    "V12",
    "a disk of 2 TiB with three grains, and one whose every grain is 64 KiB of zeros in 90 bytes",
    "it is converted within the bound of memory, and what is zero takes no room",
    faces=HERE,
)
def bombs(world: World) -> None:
    large, zeros = world.folder / "large.vmdk", world.folder / "zeros.vmdk"
    large.write_bytes(stream({0: b"a", 9: b"b", 2**25 - 1: b"c"}, 2 << 40))
    zeros.write_bytes(stream(dict.fromkeys(range(2048), b""), 2048 * GRAIN))
    for source, size in ((large, 2 << 40), (zeros, 2048 * GRAIN)):
        new = world.target / f"{source.stem}.raw"
        image.convert(source, new)
        found = new.stat()
        world.expect(found.st_size == size, f"{source.stem} has its size")
        world.expect(found.st_blocks * 512 <= 8 * GRAIN, f"{source.stem} takes no room")
        new.unlink()


@case(
    "V16",
    "numbers in the tables of a disk that is opened lie",
    "an error of ours at once or at the read, never a hang and never memory without end",
    faces=HERE,
    variants=test_open_damaged.LIES,
)
def lying_tables(world: World, lie: Callable[[bytearray], None]) -> None:
    path = by_vmware(world.folder / "disk.vmdk")
    data = bytearray(path.read_bytes())
    lie(data)
    path.write_bytes(data)
    with world.fails(DiskFormatError, says=r"disk\.vmdk", ends=()), image.open(path) as file:
        while file.read(MIB):
            pass
