"""What a lease keeps of its transfers, and whether the caller has observed how each ended.

It does not keep the ``Transfer`` itself, which keeps the lease alive.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

    from nfclease import _core

#: Seconds that a transfer gets to stop and to remove its partial file.
STOP_TIMEOUT = 4.0


class Tracked:
    """A transfer that was started, and what was asked of it since."""

    def __init__(
        self,
        core: _core.Transfer,
        name: str,
        path: str | None = None,
        file_checksum_type: str | None = None,
    ) -> None:
        #: The native transfer; it goes on when nobody keeps the ``Transfer``.
        self.core = core
        #: The file's name for people: in errors, bars and results.
        self.name = name
        #: The file here, for ``TransferResult.path``; None for a file object and for bytes.
        self.path = path
        #: The type of the sum for a manifest file, where one was asked for beside the server's.
        self.file_checksum_type = file_checksum_type
        #: ``DeviceUrl.key``: by it an error of the core learns which file and host it is about.
        self.key: str = ""
        #: The host that has the file, for that error.
        self.host: str = ""
        #: What the callable of its progress raised: its outcome, whatever the core says.
        self.broken: BaseException | None = None
        #: Whether the caller has observed that one; the end of the block raises it else.
        self.broken_is_observed: bool = False
        #: Tasks that were given its failure, and may not have looked.
        self.observers: Observers = Observers()
        #: Until when to wait for it once it was to stop, so that a second stop waits no longer.
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

    def unobserved(self) -> BaseException | None:
        """The error that has broken it off, where nobody has observed it."""
        return None if self.broken_is_observed else self.broken

    def raise_unobserved(self) -> None:
        """Raises a failure that nobody has observed; else the core learns that it was."""
        if (error := self.unobserved()) is not None:
            self.broken_is_observed = True
            raise error
        if not self.observers:
            return
        if (error := self.observers.unobserved()) is not None:
            raise error
        self.core.set_observed()


#: What a shield whose caller gave up leaves at the task, from Python 3.14 on. It logs the error,
#: which nobody observes by that.
_LEFT_BEHIND = "_log_on_exception"


class Observers:
    """The tasks that were given a failure, each with the exception that it got.

    A task may end with that error unobserved: it was forgotten, or the caller of its shield gave
    up. Such a failure must not count as known, or the lease would be completed.
    """

    def __init__(self) -> None:
        #: Kept with the error: the same task may have ended with another one.
        self._tasks: list[tuple[asyncio.Task[Any], BaseException]] = []

    def add(self, error: BaseException) -> None:
        """Keeps in mind that the current task gets this error."""
        import asyncio

        task = asyncio.current_task()
        if task is not None and not _is_left_behind(task):
            self._tasks.append((task, error))

    def __len__(self) -> int:
        return len(self._tasks)

    def unobserved(self) -> BaseException | None:
        """The error, when each of the tasks has ended with it and nobody has looked since."""
        for task, error in self._tasks:
            if not (_is_unobserved(task) and getattr(task, "_exception", None) is error):
                return None
        for task, error in self._tasks:
            task.exception()  # asyncio is not to complain of what is raised now
            return error
        return None


def _is_unobserved(task: asyncio.Task[Any]) -> bool:
    """What asyncio itself complains of when the task is collected."""
    return task.done() and bool(getattr(task, "_log_traceback", False))


def _is_left_behind(task: asyncio.Task[Any]) -> bool:
    callbacks = getattr(task, "_callbacks", None) or ()
    return any(getattr(callback, "__name__", "") == _LEFT_BEHIND for callback, _ in callbacks)
