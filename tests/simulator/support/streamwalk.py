"""A reader of streamOptimized VMDK that shares nothing with the generator."""

from __future__ import annotations

import struct
import zlib

SECTOR = 512


def walk(data: bytes) -> dict[str, int]:
    """Follows every marker to the end; asserts what the format demands.

    Returns:
        capacity in bytes, grains, and grains that tables list.
    """
    assert len(data) % SECTOR == 0
    magic, version, flags, capacity, grain, described, length = struct.unpack_from(
        "<4sIIQQQQ", data
    )
    assert (magic, version, flags) == (b"KDMV", 3, 0x30001)
    assert (grain, described, length) == (128, 1, 1)
    (directory,) = struct.unpack_from("<Q", data, 56)
    assert directory == (1 << 64) - 1
    (position,) = struct.unpack_from("<Q", data, 64)
    text = data[SECTOR : 2 * SECTOR].rstrip(b"\0").decode()
    assert text.startswith("# Disk DescriptorFile\n")
    assert 'createType="streamOptimized"' in text
    grains: dict[int, int] = {}
    tables: list[int] = []
    footer = 0
    while True:
        value, size, kind = struct.unpack_from("<QII", data, position * SECTOR)
        if size:
            start = position * SECTOR + 12
            assert len(zlib.decompress(data[start : start + size])) == 128 * SECTOR
            assert value % 128 == 0
            assert value < capacity
            assert not grains or value > max(grains)
            grains[value] = position
            position += -(-(12 + size) // SECTOR)
            continue
        position += 1
        if kind == 0:
            break
        if kind == 1:
            tables.append(position)
        elif kind == 2:
            entries = struct.unpack_from(f"<{len(tables)}I", data, position * SECTOR)
            assert list(entries) == tables
            directory = position
        else:
            assert kind == 3
            footer = position
        position += value
    assert position * SECTOR == len(data)
    assert data[footer * SECTOR : (footer + 1) * SECTOR] == (
        data[:56] + struct.pack("<Q", directory) + data[64:SECTOR]
    )
    listed = {
        (table * 512 + index) * 128: sector
        for table, where in enumerate(tables)
        for index, sector in enumerate(struct.unpack_from("<512I", data, where * SECTOR))
        if sector
    }
    assert listed == grains
    return {"capacity": capacity * SECTOR, "grains": len(grains)}
