"""streamOptimized disks as VMware writes them, by the layout of its "Virtual Disk Format 5.0"."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Mapping

SECTOR = 512
GRAIN = 65536
_IN_TABLE = 512
_AT_END = 2**64 - 1


def stream(
    grains: Mapping[int, bytes],
    capacity: int,
    *,
    level: int = 1,
    grain: int = GRAIN,
    progress: bool = False,
) -> bytes:
    """A disk that has these grains, by their numbers.

    Args:
        grains: The plain bytes of each, filled up with zeros.
        capacity: Of the disk, in bytes, a multiple of 512.
        level: Of the compression; VMware's is 1.
        grain: The size of one; VMware's is 64 KiB.
        progress: Whether a marker of type 4 follows each grain, as some hosts write it. What comes
            with one is not documented.
    """
    out = bytearray(_header(capacity, _AT_END, grain))
    text = (
        "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n"
        'createType="streamOptimized"\n\n# Extent description\n'
        f'RW {capacity // SECTOR} SPARSE "disk.vmdk"\n\n'
        '# The Disk Data Base\n#DDB\n\nddb.adapterType = "lsilogic"\n'
    )
    out += text.encode()
    out += bytes(128 * SECTOR - len(out))
    tables: dict[int, dict[int, int]] = {}
    directory = [0] * -(-capacity // (grain * _IN_TABLE))
    numbers = sorted(grains)
    for place, number in enumerate(numbers):
        table = tables.setdefault(number // _IN_TABLE, {})
        table[number % _IN_TABLE] = len(out) // SECTOR
        data = _compressed(grains[number].ljust(grain, b"\0"), level)
        out += _filled(struct.pack("<QI", number * grain // SECTOR, len(data)) + data)
        if progress:
            out += _marker(1, 4) + b"\xa5" * SECTOR
        following = numbers[place + 1] // _IN_TABLE if place + 1 < len(numbers) else None
        if following != number // _IN_TABLE:
            out += _marker(4, 1)
            directory[number // _IN_TABLE] = len(out) // SECTOR
            out += struct.pack("<512I", *(table.get(entry, 0) for entry in range(_IN_TABLE)))
    listed = _filled(struct.pack(f"<{len(directory)}I", *directory))
    out += _marker(len(listed) // SECTOR, 2)
    at = len(out) // SECTOR
    out += listed + _marker(1, 3) + _header(capacity, at, grain) + bytes(SECTOR)
    return bytes(out)


def damaged(disk: bytes, where: str) -> bytes:
    """A stream with a bit of its first grain, last table or header changed, or without its end."""
    data = bytearray(disk)
    if where == "grain":
        data[128 * SECTOR + 100] ^= 4
    elif where == "table":
        data[-4 * SECTOR - 2048] ^= 1
    elif where == "header":
        data[2] ^= 1
    else:
        del data[-SECTOR:]
    return bytes(data)


@functools.lru_cache(maxsize=16)
def _compressed(plain: bytes, level: int) -> bytes:
    return zlib.compress(plain, level)


def _header(capacity: int, directory: int, grain: int) -> bytes:
    head = struct.pack(
        "<4sIIQQQQIQQQ", b"KDMV", 3, 0x30001, capacity // SECTOR, grain // SECTOR,
        1, 20, _IN_TABLE, 0, directory, 128,
    )  # fmt: skip
    return (head + b"\0\n \r\n\1").ljust(SECTOR, b"\0")


def _marker(sectors: int, kind: int) -> bytes:
    return _filled(struct.pack("<QII", sectors, 0, kind))


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % SECTOR)


def grains_of(disk: bytes | bytearray) -> list[tuple[int, int, int]]:
    """Where each grain's marker is, its sector on the disk and the size of its data."""
    at = struct.unpack_from("<Q", disk, 64)[0] * SECTOR
    found = []
    while at + 16 <= len(disk):
        value, size, kind = struct.unpack_from("<QII", disk, at)
        if size:
            found.append((at, value, size))
            at += -(-(12 + size) // SECTOR) * SECTOR
        elif kind == 0:
            break
        else:
            at += SECTOR * (1 + value)
    return found
