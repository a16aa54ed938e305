"""Progress in lines, where the library that draws bars is not installed."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from nfclease._text import escaped
from nfclease.cli.tables import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease import TransferProgress

#: Seconds between two lines about one file.
_INTERVAL = 10.0


class Lines:
    """What ``progress=`` takes: a line when a file begins, now and then, and at its end."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._attempts: dict[str, int] = {}

    def __call__(self, progress: TransferProgress) -> None:
        """Is called with each look at a file."""
        now = time.monotonic()
        again = progress.attempts > self._attempts.get(progress.key, 1)
        waits = progress.attempts == 0 or now < self._next.get(progress.key, 0.0)
        if sys.stderr is None or (waits and not again and not progress.done):
            return
        self._next[progress.key] = now + _INTERVAL
        self._attempts[progress.key] = max(1, progress.attempts)
        with suppress(OSError, ValueError):  # a log that is full or closed ends no job
            print(_line(progress), file=sys.stderr, flush=True)


def _line(progress: TransferProgress) -> str:
    moved = size(progress.bytes_done)
    if not progress.done and progress.bytes_total is not None:
        moved += f" of {size(progress.bytes_total)}"
    parts = [
        moved,
        f"{progress.rate / 1e6:.1f} MB/s" if progress.rate else "",
        f"attempt {progress.attempts}" if progress.attempts > 1 else "",
        "failed" if progress.failed else "ended" if progress.done else "",
    ]
    return f"{escaped(progress.name or progress.key)}: {', '.join(filter(None, parts))}"
