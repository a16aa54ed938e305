"""Time as a test may hold somebody to it: what a busy machine takes away does not count."""

from __future__ import annotations

import os
import time
from pathlib import Path


class Stopwatch:
    """Seconds since it was made, less those in which these processes were ready and not run.

    Linux counts how long each thread waited for a processor; elsewhere nothing is taken off. Who
    blocks, sleeps or spins gets no discount.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = (os.getpid(), *pids)
        self._waited = self._queued()
        self._began = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since it was made, on the clock of a wall."""
        return time.monotonic() - self._began

    def seconds(self) -> float:
        """How long it took; 0 where its threads together waited for longer than that."""
        return max(0.0, self.elapsed() - max(0.0, self._queued() - self._waited))

    def _queued(self) -> float:
        counts = (
            path for pid in self._pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat")
        )
        return sum(map(_nanoseconds, counts)) / 1e9


def _nanoseconds(path: Path) -> int:
    try:
        return int(path.read_text().split()[1])
    except (OSError, IndexError):  # the thread has ended
        return 0
