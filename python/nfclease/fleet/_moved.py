"""The bytes that a job has moved so far."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from nfclease.progress import TransferProgress

#: Seconds between two reports of one job.
_INTERVAL = 0.5


class Moved:
    """Adds up the files of a job, as their ``progress``.

    Args:
        tell: Gets the sum now and then; None without a listener.
    """

    def __init__(self, tell: Callable[[int], object] | None = None) -> None:
        self._tell = tell
        self._files: dict[str, int] = {}
        self._told = 0.0

    def __call__(self, progress: TransferProgress) -> None:
        """Counts a file."""
        # A file of a copy comes first, and then goes: it moved once.
        moved = max(progress.bytes_done, self._files.get(progress.key, 0))
        self._files[progress.key] = moved
        if self._tell is not None and time.monotonic() - self._told >= _INTERVAL:
            self._told = time.monotonic()
            self._tell(self.sum)

    @property
    def sum(self) -> int:
        """Bytes of all files."""
        return sum(self._files.values())
