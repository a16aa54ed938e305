"""What an import has brought: its bytes are kept, so that the VM can be exported again."""

from __future__ import annotations

import re
import struct
import tempfile
import weakref
from collections.abc import Iterator

from nfclease.simulator.inventory.vmdk import GRAIN, SECTOR, StreamOptimizedDisk

_IN_MEMORY = 1 << 20
#: A file that is larger is not kept: an exported disk then has other content of about its size.
MOST = 32 << 20
_MARKERS = 1 << 17  # of a sparse VMDK's flags: grains carry their address
_CONTENT_ID = re.compile(rb"(?<=\nCID=)[0-9a-f]{8}(?=\n)")
_LONG_ID = re.compile(rb'(?<=[0-9a-f]{24})[0-9a-f]{8}(?="\n)')
_HEAD = 64 << 10  # where a disk's descriptor is


class Stored:
    """Bytes that came, up to ``MOST`` of them."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self.size: int = 0

    @property
    def whole(self) -> bool:
        """Whether all that came is here."""
        return self.size <= MOST

    def write(self, data: bytes) -> None:
        """Adds bytes; drops all once there are too many."""
        self.size += len(data)
        if self.whole:
            self._file.write(data)
        else:
            self._file.close()

    def read(self, at: int, size: int) -> bytes:
        """A part of it."""
        self._file.seek(at)
        return self._file.read(size)


class StoredDisk:
    """A streamOptimized disk as it came; each of its exports has a content id of its own.

    Attributes:
        stream_size: Bytes of the stream.
        capacity: Bytes of the virtual disk.
        populated_size: Bytes of it that are allocated.
    """

    def __init__(self, stored: Stored, capacity: int) -> None:
        self._stored = stored
        self.stream_size: int = stored.size
        self.capacity: int = capacity
        self.populated_size: int = _grains(stored) * GRAIN

    def chunks(self, content_id: int = 1, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        """The stream, in pieces."""
        own = f"{content_id:08x}".encode()
        head = self._stored.read(0, _HEAD)
        yield _LONG_ID.sub(own, _CONTENT_ID.sub(own, head, count=1), count=1)
        for at in range(_HEAD, self.stream_size, chunk_size):
            yield self._stored.read(at, chunk_size)


#: Where the bytes of a disk come from.
DiskContent = StreamOptimizedDisk | StoredDisk


def _grains(stored: Stored) -> int:
    """How many grains a stream has, by its markers up to the first that makes no sense."""
    head = stored.read(0, SECTOR)
    if len(head) < SECTOR or not struct.unpack_from("<I", head, 8)[0] & _MARKERS:
        return stored.size // GRAIN
    (sector,) = struct.unpack_from("<Q", head, 64)
    found = 0
    while sector * SECTOR < stored.size and len(marker := stored.read(sector * SECTOR, 16)) == 16:
        value, size, kind = struct.unpack("<QII", marker)
        if size:
            found += 1
            sector += -(-(12 + size) // SECTOR)
        elif kind == 0:
            break
        else:
            sector += 1 + value
    return found
