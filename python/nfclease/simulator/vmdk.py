"""streamOptimized VMDKs of any size, made from a seed without being held in memory.

In the layout of a real host's export: version 3, ``gdOffset`` 2^64-1 in the first header, one
descriptor sector, 64 KiB grains, a grain table after each 512 of them, grain directory, footer
and end-of-stream marker last.
"""

from __future__ import annotations

import functools
import random
import struct
import zlib
from collections.abc import Iterator

SECTOR = 512
GRAIN = 64 * 1024
GRAIN_SECTORS = GRAIN // SECTOR
GRAINS_PER_TABLE = 512
OVERHEAD_SECTORS = 128
GD_AT_END = 2**64 - 1

#: Distinct grains of one disk; only their place differs after that, which keeps generation fast.
POOL = 32

#: A hole after every so many grains, so that readers meet unallocated ones.
HOLE_EVERY = 7

PIECE_BYTES = 1 << 20


def stream(capacity: int, stream_size: int, seed: int, cid: int) -> Iterator[bytes]:
    """The bytes of a disk's export, in pieces of about 1 MiB.

    Args:
        capacity: Capacity of the disk in bytes, a multiple of 64 KiB.
        stream_size: About how many bytes the stream has.
        seed: What the content is made from.
        cid: The content ID in the descriptor; the only thing that differs between two exports.
    """
    pending: list[bytes] = []
    size = 0
    for piece in _pieces(capacity, stream_size, seed, cid):
        pending.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)


def _pieces(capacity: int, stream_size: int, seed: int, cid: int) -> Iterator[bytes]:
    grains_total = capacity // GRAIN
    sectors = OVERHEAD_SECTORS
    yield _header(capacity, GD_AT_END)
    yield _descriptor(capacity, cid).ljust((OVERHEAD_SECTORS - 1) * SECTOR, b"\0")

    pool = _pool(seed)
    tables: list[int] = []
    table = [0] * GRAINS_PER_TABLE
    for grain in range(grains_total):
        if grain % (HOLE_EVERY + 1) != HOLE_EVERY and sectors * SECTOR < stream_size:
            size, padded = pool[(grain * 7 + seed) % POOL]
            table[grain % GRAINS_PER_TABLE] = sectors
            yield struct.pack("<QI", grain * GRAIN_SECTORS, size)
            yield padded
            sectors += (12 + len(padded)) // SECTOR
        if grain % GRAINS_PER_TABLE == GRAINS_PER_TABLE - 1 or grain == grains_total - 1:
            if any(table):
                yield _marker(4, 1)
                tables.append(sectors + 1)
                yield struct.pack(f"<{GRAINS_PER_TABLE}I", *table)
                sectors += 5
                table = [0] * GRAINS_PER_TABLE
            else:
                tables.append(0)

    directory = struct.pack(f"<{len(tables)}I", *tables)
    directory_sectors = -(-len(directory) // SECTOR)
    yield _marker(directory_sectors, 2)
    directory_at = sectors + 1
    yield directory.ljust(directory_sectors * SECTOR, b"\0")
    yield _marker(1, 3)
    yield _header(capacity, directory_at)
    yield bytes(SECTOR)


def _header(capacity: int, gd_offset: int) -> bytes:
    header = struct.pack(
        "<4sIIQQQQIQQQB4sH",
        b"KDMV",
        3,
        0x30001,
        capacity // SECTOR,
        GRAIN_SECTORS,
        1,  # descriptor offset
        1,  # descriptor size
        GRAINS_PER_TABLE,
        0,  # redundant grain directory: none
        gd_offset,
        OVERHEAD_SECTORS,
        0,
        b"\n \r\n",
        1,  # deflate
    )
    return header.ljust(SECTOR, b"\0")


def _descriptor(capacity: int, cid: int) -> bytes:
    sectors = capacity // SECTOR
    text = (
        "# Disk DescriptorFile\nversion=1\n"
        f"CID={cid:08x}\nparentCID=ffffffff\n"
        'createType="streamOptimized"\n'
        f'RDONLY {sectors} SPARSE "disk.vmdk"\n'
        'ddb.adapterType = "lsilogic"\n'
        f'ddb.geometry.cylinders = "{min(sectors // (255 * 63), 65535)}"\n'
        'ddb.geometry.heads = "255"\nddb.geometry.sectors = "63"\n'
        'ddb.toolsInstallType = "4"\nddb.virtualHWVersion = "21"\n'
    )
    data = text.encode("ascii")
    assert len(data) <= SECTOR, "the descriptor fits its one sector"
    return data


def _marker(sectors: int, kind: int) -> bytes:
    return struct.pack("<QII", sectors, 0, kind).ljust(SECTOR, b"\0")


@functools.lru_cache(maxsize=64)
def _pool(seed: int) -> tuple[tuple[int, bytes], ...]:
    """Compressed size and padded bytes of each distinct grain: most do not compress."""
    chance = random.Random(seed)
    pool = []
    for number in range(POOL):
        if number % 4 == 3:
            data = zlib.compress(chance.randbytes(1024) * (GRAIN // 1024), 1)
        else:
            data = zlib.compress(chance.randbytes(GRAIN), 0)
        padding = -(12 + len(data)) % SECTOR
        pool.append((len(data), data + bytes(padding)))
    return tuple(pool)
