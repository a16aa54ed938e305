"""What a lease keeps of a transfer: not the ``Transfer`` itself, which keeps the lease alive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

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


#: What a shield whose caller gave up leaves at the task, from Python 3.14 on. It logs the error,
#: which is no reading of it.
_LEFT_BEHIND = "_log_on_exception"


class Readers:
    """The tasks that were told of a failure, each with the exception that it got.

    A task may end with that error unread: it was forgotten, or the caller of its shield gave up.
    Such a failure must not count as known, or the lease would be completed.
    """

    def __init__(self) -> None:
        self._told: list[tuple[asyncio.Task[Any], BaseException]] = []

    def tell(self, error: BaseException) -> None:
        """Keeps in mind that the current task gets this error."""
        import asyncio

        task = asyncio.current_task()
        if task is not None and not _is_left_behind(task):
            self._told.append((task, error))

    def anybody(self) -> bool:
        """Whether somebody was told."""
        return bool(self._told)

    def unread(self) -> BaseException | None:
        """The error, when each task that was told has ended with it and nobody has looked since."""
        for task, error in self._told:
            if not (_is_unread(task) and getattr(task, "_exception", None) is error):
                return None
        for task, error in self._told:
            task.exception()  # asyncio is not to complain of what is raised now
            return error
        return None


def _is_unread(task: asyncio.Task[Any]) -> bool:
    """What asyncio itself complains of when the task is collected."""
    return task.done() and bool(getattr(task, "_log_traceback", False))


def _is_left_behind(task: asyncio.Task[Any]) -> bool:
    callbacks = getattr(task, "_callbacks", None) or ()
    return any(getattr(callback, "__name__", "") == _LEFT_BEHIND for callback, _ in callbacks)
