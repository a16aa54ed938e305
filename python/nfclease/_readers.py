"""Who is told what a transfer came to, when it is awaited.

asyncio wraps it in a task of its own (``ensure_future``, ``gather``, ``shield``), and sometimes
nobody waits for that: a shield whose caller gave up, a task that was forgotten. An error that ends
there must not count as told, or the lease would be completed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

#: What a task runs that was made of an awaitable.
_WRAPPER = "_wrap_awaitable"

#: What a shield whose caller gave up leaves at the task, from Python 3.14 on.
_LEFT_BEHIND = frozenset({"_log_on_exception", "_clear_awaited_by_callback"})


class Readers:
    """The tasks that may still be read."""

    def __init__(self) -> None:
        self._later: list[asyncio.Task[Any]] = []

    def tell(self) -> bool:
        """Whether somebody waits for the current task; one that nobody does is kept in mind."""
        import asyncio

        task = asyncio.current_task()
        if task is None or getattr(task.get_coro(), "__name__", "") != _WRAPPER:
            return True
        callbacks = getattr(task, "_callbacks", None) or ()
        waiting = {getattr(callback, "__name__", "") for callback, _ in callbacks}
        if not waiting:
            self._later.append(task)
        return bool(waiting - _LEFT_BEHIND)

    def told(self) -> bool:
        """Whether a task that nobody waited for has been read since."""
        return any(task.done() and not _unread(task) for task in self._later)


def _unread(task: asyncio.Task[Any]) -> bool:
    """What asyncio itself complains of when the task is collected."""
    return bool(getattr(task, "_log_traceback", False))
