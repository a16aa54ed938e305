"""Free memory as a machine that has been up for a while has it: full of clean cache.

A virtual machine may give its free memory back to its host. Whoever writes there next pays for it,
up to two system seconds for a GiB: a client whose turn comes later pays more, whatever it does.
Cache is not given back, and a write takes its place at a small cost that is the same for all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PIECE = 4 << 20
GIB = 1 << 30
#: What may stay free, and how much is read between two looks at that.
LITTLE, STEP = GIB // 2, GIB // 4


class Cache:
    """A file without data that is larger than the memory, whose pages fill it."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._buffer = bytearray(PIECE)

    def fill(self) -> None:
        """Reads on until little memory is free; once around the file at most."""
        for _ in range(0, self._size, STEP):
            if of_memory("MemFree") <= LITTLE:
                return
            for _ in range(STEP // PIECE):
                if not self._file.readinto(self._buffer):  # type: ignore[attr-defined]
                    self._file.seek(0)


@contextmanager
def cache(folder: Path | None) -> Iterator[Cache | None]:
    """Fills memory for the block, by a file that takes no room in this folder; only on Linux."""
    try:
        size = of_memory("MemTotal") + 2 * GIB
    except (OSError, StopIteration):
        yield None
        return
    with tempfile.TemporaryFile(prefix="nfclease-bench-", dir=folder, buffering=0) as file:
        file.truncate(size)
        yield Cache(file, size)


def of_memory(name: str) -> int:
    """A row of this machine's memory, in bytes."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    row = next(line for line in lines if line.startswith(f"{name}:"))
    return int(row.split()[1]) << 10
