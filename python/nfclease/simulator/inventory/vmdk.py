"""streamOptimized VMDK of any size, generated as fast as a socket takes it.

The layout is the one that an ESXi 8.0.3 host was seen to send: version 3, grain directory at
the end, grains in LBA order, each grain table after its grains, footer, end-of-stream marker.
"""

from __future__ import annotations

import functools
import random
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

SECTOR = 512
GRAIN = 64 << 10
GRAIN_SECTORS = GRAIN // SECTOR
ENTRIES = 512  # of a grain table
ALLOCATED = 448  # of them hold a grain; the rest of each table is a hole
OVERHEAD = 128  # sectors before the first grain
FLAGS = 0x30001  # newline check, compressed grains, markers
GD_AT_END = (1 << 64) - 1
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH433x")
_MARKER = struct.Struct("<QII")
_LBA = struct.Struct("<Q")
_POOL = 64  # grains that are made once and sent over and over with another LBA
_POOLS = 8  # sets of them, each sent from 64 points on


class _Grain(NamedTuple):
    record: bytes  # what follows the LBA: length, data, padding
    sectors: int


class StreamOptimizedDisk:
    """A disk whose stream has about ``size`` bytes.

    Two streams of one disk have the same size and other bytes, as on a real host: the content
    id in the descriptor differs.

    Args:
        size: Bytes of the stream, approximately; ``stream_size`` has the exact number.
        seed: Disks of one seed have the same content.
        name: File name in the descriptor's extent line.
        capacity: Bytes of the virtual disk, where they are given and the content fits in.

    Attributes:
        stream_size: Bytes of the stream.
        capacity: Bytes of the virtual disk.
        populated_size: Bytes of it that are allocated.
    """

    def __init__(
        self, size: int, seed: int = 0, name: str = "disk.vmdk", capacity: int | None = None
    ) -> None:
        self.seed = seed
        self.name = name
        pool, turn = _pool(seed % _POOLS), seed // _POOLS % _POOL
        self._pool = pool[turn:] + pool[:turn]
        cycle = sum(grain.sectors for grain in self._pool)
        wanted = max(size // SECTOR - OVERHEAD, 1)
        self._grains = max(1, wanted * _POOL // cycle)
        self._tables = -(-self._grains // ALLOCATED)
        used = (self._grains - 1) // ALLOCATED * ENTRIES + (self._grains - 1) % ALLOCATED + 1
        own = self._tables * ENTRIES * GRAIN
        self.capacity: int = own if capacity is None or capacity < used * GRAIN else capacity
        self._directory: int = -(-self.capacity // (ENTRIES * GRAIN))
        self.populated_size: int = self._grains * GRAIN
        self.stream_size: int = self._measure(cycle) * SECTOR

    def _measure(self, cycle: int) -> int:
        cycles, rest = divmod(self._grains, _POOL)
        grains = cycles * cycle + sum(grain.sectors for grain in self._pool[:rest])
        tables = self._tables * (1 + ENTRIES * 4 // SECTOR)
        directory = 1 + -(-self._directory * 4 // SECTOR)
        return OVERHEAD + grains + tables + directory + 3  # footer's marker, footer, end of stream

    def chunks(self, content_id: int = 1, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        """The stream, in pieces of at least ``chunk_size`` bytes but for the last."""
        head = _header(self.capacity, GD_AT_END) + self._descriptor(content_id)
        parts, filled, sector = [head.ljust(OVERHEAD * SECTOR, b"\0")], OVERHEAD, OVERHEAD
        pool, limit, directory = self._pool, -(-chunk_size // SECTOR), []
        for table in range(self._tables):
            entries = [0] * ENTRIES
            first = table * ALLOCATED
            for index in range(min(ALLOCATED, self._grains - first)):
                grain = pool[(first + index) % _POOL]
                entries[index] = sector
                parts.append(_LBA.pack((table * ENTRIES + index) * GRAIN_SECTORS))
                parts.append(grain.record)
                sector += grain.sectors
                filled += grain.sectors
                if filled >= limit:
                    yield b"".join(parts)
                    parts, filled = [], 0
            parts.append(_marker(ENTRIES * 4 // SECTOR, 1))
            parts.append(struct.pack(f"<{ENTRIES}I", *entries))
            directory.append(sector + 1)
            sector += 1 + ENTRIES * 4 // SECTOR
            filled += 1 + ENTRIES * 4 // SECTOR
        parts.append(self._tail(sector, directory))
        yield b"".join(parts)

    def _tail(self, sector: int, directory: list[int]) -> bytes:
        packed = struct.pack(f"<{len(directory)}I", *directory)
        packed = packed.ljust(-(-self._directory * 4 // SECTOR) * SECTOR, b"\0")
        return b"".join(
            (
                _marker(len(packed) // SECTOR, 2),
                packed,
                _marker(1, 3),
                _header(self.capacity, sector + 1),
                _marker(0, 0),
            )
        )

    def _descriptor(self, content_id: int) -> bytes:
        sectors = self.capacity // SECTOR
        text = (
            "# Disk DescriptorFile\n"
            f'version=1\nCID={content_id:08x}\nparentCID=ffffffff\ncreateType="streamOptimized"\n'
            f'\n# Extent description\nRW {sectors} SPARSE "{self.name}"\n'
            "\n# The Disk Data Base\n#DDB\n\n"
            'ddb.adapterType = "lsilogic"\n'
            f'ddb.geometry.cylinders = "{min(sectors // (255 * 63), 65535)}"\n'
            'ddb.geometry.heads = "255"\nddb.geometry.sectors = "63"\n'
            f'ddb.longContentID = "{self.seed & (1 << 96) - 1:024x}{content_id:08x}"\n'
            'ddb.toolsInstallType = "4"\nddb.virtualHWVersion = "19"\n'
        ).encode()
        if len(text) > SECTOR:
            raise ValueError(f"the name of the disk is too long: {self.name!r}")
        return text.ljust(SECTOR, b"\0")


def header_capacity(head: bytes) -> int | None:
    """The capacity in bytes that a stream's first bytes tell; None if it is not a sparse VMDK."""
    if len(head) < 20 or head[:4] != b"KDMV":
        return None
    (sectors,) = struct.unpack_from("<Q", head, 12)
    return int(sectors) * SECTOR


def _header(capacity: int, directory: int) -> bytes:
    return _HEADER.pack(
        b"KDMV",
        3,
        FLAGS,
        capacity // SECTOR,
        GRAIN_SECTORS,
        1,
        1,
        ENTRIES,
        0,
        directory,
        OVERHEAD,
        0,
        b"\n \r\n",
        1,
    )


def _marker(sectors: int, kind: int) -> bytes:
    return _MARKER.pack(sectors, 0, kind).ljust(SECTOR, b"\0")


@functools.lru_cache(maxsize=_POOLS)
def _pool(seed: int) -> tuple[_Grain, ...]:
    source = random.Random(seed)
    return tuple(_grain(source, index) for index in range(_POOL))


def _grain(source: random.Random, index: int) -> _Grain:
    if index % 2:
        data = zlib.compress(source.randbytes(GRAIN), 0)  # as media and archives are
    else:
        words = [source.randbytes(source.randrange(4, 24)) for _ in range(256)]
        data = zlib.compress(b"".join(source.choices(words, k=GRAIN // 4))[:GRAIN], 1)
    record = struct.pack("<I", len(data)) + data
    sectors = -(-(_LBA.size + len(record)) // SECTOR)
    return _Grain(record.ljust(sectors * SECTOR - _LBA.size, b"\0"), sectors)
