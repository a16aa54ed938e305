"""Free memory as a machine that has been up for a while has it: full of clean cache.

A virtual machine may give its free memory back to its host. Whoever writes there next pays for it,
up to two system seconds for a GiB: a client whose turn comes later pays more, whatever it does.
Cache is not given back, and a write takes its place at no such cost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PIECE = 4 << 20
GIB = 1 << 30


@contextmanager
def cache(folder: Path) -> Iterator[Path | None]:
    """A file without data that is larger than the memory; None where memory is not to be read."""
    try:
        size = memory_bytes() + 2 * GIB
    except (OSError, StopIteration):
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="nfclease-bench-", dir=folder) as file:
        file.truncate(size)
        yield Path(file.name)


def memory_bytes() -> int:
    """All memory of this machine; only Linux says it here."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    total = next(line for line in lines if line.startswith("MemTotal:"))
    return int(total.split()[1]) << 10


def fill(file: Path | None) -> None:
    """Reads the file, so that its pages take what is free."""
    if file is None:
        return
    buffer = bytearray(PIECE)
    with file.open("rb", buffering=0) as reading:
        while reading.readinto(buffer):
            pass
