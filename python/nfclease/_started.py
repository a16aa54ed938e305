"""What a lease keeps of a transfer: not the ``Transfer`` itself, which keeps the lease alive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nfclease._readers import Readers

if TYPE_CHECKING:
    from nfclease import _core

#: Seconds that a transfer gets to stop and to remove its partial file.
STOP_TIMEOUT = 4.0


class Started:
    """A transfer that was started, and what was asked of it since."""

    def __init__(self, core: _core.Transfer, name: str, local_end: object) -> None:
        self.core = core
        self.name = name
        self.readers: Readers = Readers()
        self._local_end = id(local_end)  # the core holds the object while it runs
        self._stop_until = 0.0

    def moves(self, file: object) -> bool:
        """Whether this file object is in use by it."""
        return self._local_end == id(file) and not self.core.done()

    def stop(self) -> float:
        """Cancels, and says until when to wait; that is not put off by a second time."""
        self.core.cancel()
        self._stop_until = self._stop_until or time.monotonic() + STOP_TIMEOUT
        return self._stop_until

    def is_stuck(self) -> bool:
        """Whether it was to stop, was waited for, and goes on."""
        return bool(self._stop_until) and not self.core.done()

    def settle(self) -> None:
        """A failure that somebody has read meanwhile is no news at the lease's end."""
        if self.readers.told():
            self.core.seen()
