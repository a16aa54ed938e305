"""Free memory as a machine has it that has just used it: all of it its own, and in large pieces.

Two things can make the same run cost more, and come and go by themselves. A virtual
machine gives free memory back to its host, and whoever writes there next pays for it. And where
cache has filled the memory, the kernel has to look for each piece. So memory is written and freed
before each turn, at the cost of none.
"""

from __future__ import annotations

import mmap
from pathlib import Path

GIB = 1 << 30
#: Bytes that are enough for sockets, and for a file that replaces another.
ENOUGH = 2 * GIB


def renew(size: int = ENOUGH) -> None:
    """Writes this much of memory and frees it: at most half of what there is; only on Linux."""
    try:
        size = min(size, available() // 2)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    except (OSError, StopIteration, AttributeError):
        return
    mmap.mmap(-1, size, flags=flags).close()


def available() -> int:
    """What can be used of this machine's memory, in bytes."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    row = next(line for line in lines if line.startswith("MemAvailable:"))
    return int(row.split()[1]) << 10
