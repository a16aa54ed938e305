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

    def __init__(self, core: _core.Transfer, name: str, path: str | None = None) -> None:
        self.core = core
        self.name = name
        self.path = path
        self.key: str = ""
        self.host: str = ""
        #: What the callable of its progress raised.
        self.broken: BaseException | None = None
        self.broken_is_read: bool = False
        self.readers: Readers = Readers()
        self._stop_until = 0.0

    def stop(self) -> float:
        """Cancels, and says until when to wait; that is not put off by a second time."""
        self.core.cancel()
        self._stop_until = self._stop_until or time.monotonic() + STOP_TIMEOUT
        return self._stop_until

    def is_stuck(self) -> bool:
        """Whether it was to stop, was waited for, and goes on."""
        return bool(self._stop_until) and not self.core.done()

    def break_off(self, error: BaseException) -> None:
        """Stops, with an error that its end is to be."""
        self.broken = self.broken or error
        self.core.break_off()

    def unread(self) -> BaseException | None:
        """The error that has broken it off, where nobody was told."""
        return None if self.broken_is_read else self.broken

    def settle(self) -> None:
        """Raises a failure that was told to somebody who has not read it; else it is known."""
        if (error := self.unread()) is not None:
            self.broken_is_read = True
            raise error
        if not self.readers.anybody():
            return
        unread = self.readers.unread()
        if unread is not None:
            raise unread
        self.core.seen()
