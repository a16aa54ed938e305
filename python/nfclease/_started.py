"""What a lease keeps of a transfer: not the ``Transfer`` itself, which keeps the lease alive."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from nfclease._readers import Readers

if TYPE_CHECKING:
    from collections.abc import Callable

    from nfclease import _core

#: Seconds that a transfer gets to stop and to remove its partial file.
STOP_TIMEOUT = 4.0


class Started:
    """A transfer that was started, and what was asked of it since."""

    def __init__(self, core: _core.Transfer, name: str) -> None:
        self.core = core
        self.name = name
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

    def settle(self) -> None:
        """Raises a failure that was told to somebody who has not read it; else it is known."""
        if not self.readers.anybody():
            return
        unread = self.readers.unread()
        if unread is not None:
            raise unread
        self.core.seen()


_lock = threading.Lock()
#: By the identity of a file object, which the core holds while it moves.
_in_use: WeakValueDictionary[int, Started] = WeakValueDictionary()


def start_with_file(file: object, name: str, start: Callable[[], _core.Transfer]) -> Started:
    """Starts the only transfer of a file object.

    Raises:
        ValueError: Another one runs. Their bytes would mix, and each would be verified.
    """
    with _lock:
        other = _in_use.get(id(file))
        if other is not None and not other.core.done():
            raise ValueError(
                f"this file object belongs to the running transfer of {other.name}; "
                "give each transfer its own"
            )
        started = _in_use[id(file)] = Started(start(), name)
    return started


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may hold that one
    _in_use.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
