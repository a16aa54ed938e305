"""Disks whose writer means harm: each is refused, nothing else is opened, and nothing stays."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, SECTOR, stream

MIB = 1 << 20
CAPACITY = 64 * MIB
GRAINS = {0: b"zero" * 500, 3: b"three" * 900, 7: b"seven" * 100, 600: b"later" * 200}
FIRST = 128 * SECTOR

Change = Callable[[bytearray], bytes | bytearray]


def places(disk: bytes | bytearray) -> list[int]:
    """Where the marker of each grain is."""
    found, at = [], FIRST
    while at < len(disk):
        value, size, kind = struct.unpack_from("<QII", disk, at)
        if size:
            found.append(at)
            at += -(-(12 + size) // SECTOR) * SECTOR
        elif kind:
            at += SECTOR * (1 + value)
        else:
            break
    return found


def field(at: int, layout: str, value: int) -> Change:
    """A field of the header, and of the footer where it is repeated."""

    def change(disk: bytearray) -> bytearray:
        struct.pack_into(layout, disk, at, value)
        if at != 56:
            struct.pack_into(layout, disk, len(disk) - 2 * SECTOR + at, value)
        return disk

    return change


def lba(grain: int, sector: int) -> Change:
    def change(disk: bytearray) -> bytearray:
        struct.pack_into("<Q", disk, places(disk)[grain], sector)
        return disk

    return change


def size(grain: int, value: int) -> Change:
    def change(disk: bytearray) -> bytearray:
        struct.pack_into("<I", disk, places(disk)[grain] + 8, value)
        return disk

    return change


def bomb(disk: bytearray) -> bytearray:
    """A grain that becomes 16 MiB."""
    data = zlib.compress(bytes(16 * MIB), 9)
    at = places(disk)[1]
    room = places(disk)[2] - at
    made = struct.pack("<QI", 3 * GRAIN // SECTOR, len(data)) + data
    assert len(made) > room
    return disk[:at] + made + bytes(-len(made) % SECTOR) + disk[at + room :]


def without_checksum(disk: bytearray) -> bytearray:
    at = places(disk)[0]
    length = struct.unpack_from("<I", disk, at + 8)[0]
    disk[at + 12 + length - 4 : at + 12 + length] = bytes(4)
    return disk


def naming(line: bytes) -> Change:
    def change(disk: bytearray) -> bytearray:
        start = disk.index(b"RW ")
        end = disk.index(b"\n", start)
        room = 21 * SECTOR
        text = disk[:start] + line + disk[end:room].rstrip(b"\0")
        return text.ljust(room, b"\0") + disk[room:]

    return change


CHANGES: dict[str, Change] = {
    "capacity of 2^63": field(12, "<Q", 2**63),
    "capacity of 2^55": field(12, "<Q", 2**55),
    "grains of no sector": field(20, "<Q", 0),
    "grains of 2^40 sectors": field(20, "<Q", 2**40),
    "grains of 3 sectors": field(20, "<Q", 3),
    "descriptor beyond the end": field(28, "<Q", 2**62),
    "descriptor of 2^64-1 sectors": field(36, "<Q", 2**64 - 1),
    "tables of 2^31 entries": field(44, "<I", 2**31),
    "directory beyond the end": field(56, "<Q", 2**40),
    "directory before the header": field(56, "<Q", 0),
    "grains that begin beyond the end": field(64, "<Q", 2**63),
    "another algorithm": field(77, "<H", 2),
    "version 4": field(4, "<I", 4),
    "a grain twice": lba(1, 0),
    "a grain that goes back": lba(2, GRAIN // SECTOR),
    "a grain beyond the disk": lba(3, CAPACITY // SECTOR),
    "a grain at 2^63": lba(3, 2**63),
    "a grain at no place of one": lba(2, 1000),
    "a grain of 4 GiB": size(1, 2**32 - 1),
    "a grain of one byte": size(1, 1),
    "a grain that becomes 16 MiB": bomb,
    "a grain without its checksum": without_checksum,
    "two ends": lambda disk: disk + bytes(SECTOR),
    "text behind the end": lambda disk: disk + b"x",
    "no footer": lambda disk: disk[: -3 * SECTOR] + bytes(SECTOR),
    "another disk behind it": lambda disk: disk + disk,
    "an extent that is a file": naming(b'RW 131072 FLAT "secret" 0'),
    "an extent that is a device": naming(b'RW 131072 VMFSRAW "/dev/sda"'),
    "two extents": naming(b'RW 131072 SPARSE "disk.vmdk"\nRW 131072 FLAT "secret" 0'),
    "a parent": naming(b'parentCID=00000001\nparentFileNameHint="secret"\nRW 131072 SPARSE "d"'),
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Who opens it waits for ever."""
    path = tmp_path / "secret"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_refused_with_its_place(name: str, secret: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk.vmdk"
    disk.write_bytes(CHANGES[name](bytearray(stream(GRAINS, CAPACITY))))
    result = nfclease.verify(disk, grains=True)
    assert not result.ok
    [row] = result.disks
    assert row.flaw in ("damaged", "cut", "format")
    assert row.offset is not None
    assert row.offset <= disk.stat().st_size
    with pytest.raises(nfclease.DiskFormatError, match=r"disk\.vmdk"):
        image.convert(disk, tmp_path / "disk.raw")
    assert sorted(os.listdir(tmp_path)) == ["disk.vmdk", "secret"]


def test_an_extent_by_another_name_is_not_opened(secret: Path, tmp_path: Path) -> None:
    """The stream is the extent, whatever it is called in itself."""
    disk = tmp_path / "disk.vmdk"
    change = naming(b'RW 131072 SPARSE "secret"')
    disk.write_bytes(change(bytearray(stream(GRAINS, CAPACITY))))
    assert nfclease.verify(disk, grains=True).ok
    image.convert(disk, tmp_path / "disk.raw")
    assert (tmp_path / "disk.raw").stat().st_size == CAPACITY


def test_memory_and_time_are_bounded(tmp_path: Path) -> None:
    """All of them in one process take the memory that one disk takes."""
    for number, change in enumerate(CHANGES.values()):
        path = tmp_path / f"{number}.vmdk"
        path.write_bytes(change(bytearray(stream(GRAINS, CAPACITY))))
    script = (
        "import re, sys, nfclease\n"
        "def peak():\n"  # its own alone: what getrusage says begins with that of who started it
        "    return int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "assert nfclease.verify(sys.argv[1], grains=True).ok\n"
        "before = peak()\n"
        "for path in sys.argv[2:]: assert not nfclease.verify(path, grains=True).ok, path\n"
        "print(peak() - before)\n"
    )
    (tmp_path / "right.vmdk").write_bytes(stream(GRAINS, CAPACITY))
    disks = [f"{name}.vmdk" for name in ("right", *range(len(CHANGES)))]
    command = [sys.executable, "-c", script, *disks]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 16 * 1024
