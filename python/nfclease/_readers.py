"""Who is told what a transfer came to, when it is awaited.

The task that is told may end with that error unread: it was forgotten, or the caller of its shield
gave up. Such a failure must not count as known, or the lease would be completed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

#: What a shield whose caller gave up leaves at the task, from Python 3.14 on. It logs the error,
#: which is no reading of it.
_LEFT_BEHIND = "_log_on_exception"


class Readers:
    """The tasks that were told of a failure, each with the exception that it got."""

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
