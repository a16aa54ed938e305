"""A coroutine of which each wait is seen, so that a case can cancel it at every one."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

#: When a wait is broken off: as it begins, when what it waits for has just come, or as it begins
#: and then at the next wait once more, which is one of the clean-up.
MOMENTS = ("begins", "is over", "begins, twice")


@types.coroutine
def watched(
    work: Coroutine[Any, Any, Any], waits: Callable[[Any], object]
) -> Generator[Any, Any, Any]:
    """Awaits this, and tells of each wait what it is for."""
    resume: Callable[[Any], Any] = work.send
    value: Any = None
    while True:
        try:
            awaited = resume(value)
        except StopIteration as end:
            return end.value
        waits(awaited)
        try:
            value = yield awaited
            resume = work.send
        except BaseException as error:
            value, resume = error, work.throw


class Cancelled:
    """What came of a job that was cancelled at one of its waits.

    Attributes:
        is_reached: Whether the job has so many waits.
        error: What it ended in; None where it worked.
        tasks_left: How many tasks of it are in the loop afterwards.
    """

    def __init__(self) -> None:
        self.is_reached = False
        self.error: BaseException | None = None
        self.tasks_left = 0


def cancelled_at(job: Callable[[], Coroutine[Any, Any, Any]], wait: int, moment: str) -> Cancelled:
    """Runs it in a loop of its own, and cancels it at the wait of this number; 0 for never."""
    ended = Cancelled()

    async def run() -> None:
        loop, seen = asyncio.get_running_loop(), 0

        def waits(awaited: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == wait:
                ended.is_reached = True
            if seen == wait and moment == "is over" and isinstance(awaited, asyncio.Future):
                awaited.add_done_callback(lambda _: task.cancel())
            elif seen == wait or (seen == wait + 1 and wait and moment == "begins, twice"):
                loop.call_soon(task.cancel)

        async def watching() -> None:
            await watched(job(), waits)

        task = asyncio.ensure_future(watching())
        await asyncio.wait([task])
        ended.error = asyncio.CancelledError() if task.cancelled() else task.exception()
        for _ in range(500):  # a task that was cancelled needs a turn of the loop, or a few
            ended.tasks_left = len(asyncio.all_tasks()) - 1
            if not ended.tasks_left:
                break
            await asyncio.sleep(0.01)

    asyncio.run(run())
    return ended
