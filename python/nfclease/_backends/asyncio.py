"""The backend of an event loop: native work is awaited, and what pyvmomi does runs in a thread."""

from __future__ import annotations

import contextvars
import functools
import sys
import time
import weakref
from contextlib import contextmanager, suppress

from nfclease import _threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Any, NoReturn, TypeAlias, TypeVar

    from nfclease import _core
    from nfclease._backends.base import NextEnd

    _T = TypeVar("_T")

    #: Called here, it gives what is to be called in the other thread first.
    TakeAlong: TypeAlias = Callable[[], Callable[[], None]]

#: Seconds between two wake-ups of a loop that waits for us: an interrupt of a notebook's kernel is
#: seen when the loop wakes, and not before.
_HEARTBEAT = 0.2

#: The module of ``asyncio.run``.
_RUNNERS = "asyncio.runners"


def _start_thread(call: Callable[[], None]) -> None:
    _threads.start_thread(call, "nfclease-call")


#: Starts what `in_thread` is asked for. Who drives many jobs at once has a few threads for all.
start_thread: contextvars.ContextVar[Callable[[Callable[[], None]], object]]
start_thread = contextvars.ContextVar("start_thread", default=_start_thread)


class Asyncio:
    """Awaits in the running event loop, and in no other after that."""

    in_task = True

    def __init__(self, take_along: TakeAlong) -> None:
        #: What a thread of pyvmomi's calls needs of the caller's.
        self._take_along = take_along
        #: The loop of the first wait, to which all that runs belongs.
        self._loop: object = None
        #: Made by the first upload; a lock belongs to its loop.
        self._order: asyncio.Lock | None = None

    def check(self) -> None:
        """Refuses a second loop: what runs here belongs to the first.

        Raises:
            RuntimeError: The lease was used in another loop before, or no loop is running.
        """
        import asyncio  # costs as much as the rest of the package

        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if loop is not self._loop:
            raise RuntimeError("this lease belongs to another event loop; use it in that one only")

    def in_order(self) -> asyncio.Lock:
        import asyncio

        self._order = self._order or asyncio.Lock()
        return self._order

    def may_wait(self, cause: BaseException | None) -> bool:
        """A coroutine that is closed, its loop being gone, may not await any more."""
        return not isinstance(cause, GeneratorExit)

    async def for_work(self, work: _core.Work) -> Any:
        self.check()
        with watching([work]) as ends:
            await any_of(ends)
        return work.result()

    async def for_call(self, call: Callable[[], _T]) -> _T:
        self.check()
        return await in_thread(call, self._take_along)

    @contextmanager
    def watch(self, transfers: Sequence[_core.Transfer]) -> Iterator[NextEnd]:
        self.check()
        with watching(transfers) as ends:

            async def next_end(seconds: float | None) -> None:
                await any_of(ends, seconds)

            yield next_end

    async def for_cleanup(self, work: _core.Work, seconds: float) -> Any:
        with watching([work]) as ends:
            await undisturbed(ends, time.monotonic() + seconds)
            return work.result() if ends[0].done() else None

    async def for_stop(self, transfers: Sequence[_core.Transfer], until: float) -> None:
        with watching(transfers) as ends:
            await undisturbed(ends, until)


@contextmanager
def watching(
    works: Sequence[_core.Work | _core.Transfer],
) -> Iterator[list[asyncio.Future[None]]]:
    """The ends of native work, which is watched no longer than this block."""
    ends = [work.ended() for work in works]
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(RuntimeError):  # the loop is closed
                end.cancel()


async def any_of(ends: Collection[asyncio.Future[Any]], seconds: float | None = None) -> None:
    """Waits until one more of these has come, or some seconds have passed.

    What is native holds the ends, and they do not hold the task that waits: a loop that is closed
    lets go of that, and so of the lease. While the loop runs the heartbeat holds it.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    reference = weakref.ref(waiter)
    pending = [end for end in ends if not end.done()]

    def wake(_: object = None) -> None:
        there = reference()
        if there is not None and not there.done():
            there.set_result(None)

    def beat(held: object) -> None:
        timers[0] = loop.call_later(_HEARTBEAT, beat, held)

    timers = [loop.call_later(_HEARTBEAT, beat, waiter)]
    if seconds is not None:
        timers.append(loop.call_later(seconds, wake))
    for end in pending:
        end.add_done_callback(wake)
    try:
        if pending:
            await waiter
    finally:
        for timer in timers:
            timer.cancel()
        for end in pending:
            end.remove_done_callback(wake)


async def undisturbed(ends: Collection[asyncio.Future[Any]], until: float) -> None:
    """Waits for all of these, however often the task is cancelled meanwhile, and tells it then.

    A second Ctrl-C ends the wait: ``asyncio.run`` closes its loop then, and cancels what is left.
    """
    import asyncio

    cancelled = None
    while not all(end.done() for end in ends) and (left := until - time.monotonic()) > 0:
        try:
            await any_of(ends, left)
        except asyncio.CancelledError as error:  # noqa: PERF203 - it is raised once all have come
            cancelled = error
            if _is_closing():
                break
    if cancelled is not None:
        raise cancelled


def _is_closing() -> bool:
    """Whether the loop runs only for ``asyncio.run`` to cancel the tasks that are left in it."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "_cancel_all_tasks" and frame.f_globals.get("__name__") == _RUNNERS:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


async def in_thread(call: Callable[[], _T], take_along: TakeAlong) -> _T:
    """What a blocking call returns, made in a thread that nothing waits for at an exit.

    A thread of asyncio's own pool would hold up the end of ``asyncio.run`` after a Ctrl-C.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    end: asyncio.Future[None] = loop.create_future()
    outcome: list[Callable[[], _T]] = []  # an asyncio.Future takes no StopIteration
    context, bring = contextvars.copy_context(), take_along()

    def wake() -> None:
        if not end.done():
            end.set_result(None)

    def work() -> None:
        if end.cancelled():
            return
        try:
            bring()
            value = context.run(call)
            outcome.append(lambda: value)
        except BaseException as error:
            outcome.append(functools.partial(_raise, error))
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(wake)

    start_thread.get()(work)
    try:
        await any_of([end])
    finally:
        with suppress(RuntimeError):
            end.cancel()
    return outcome.pop()()


def _raise(error: BaseException) -> NoReturn:
    raise error
