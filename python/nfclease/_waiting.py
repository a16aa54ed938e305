"""How a caller waits: in place, or in an event loop. The bodies above know neither.

A body is a coroutine that does nothing but ``await`` one of these. Over :class:`InPlace` it never
suspends, so that :func:`run` gets its result in one step, in the caller's own thread.
"""

from __future__ import annotations

import contextvars
import functools
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from nfclease._started import STOP_TIMEOUT
from nfclease.progress import INTERVAL

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator

    from nfclease import _core
    from nfclease.progress import Reporter
    from nfclease.transfer import Transfer, TransferResult

_T = TypeVar("_T")

#: Seconds that an Abort, clean-up of transfers included, may take before the caller goes on.
CLEANUP_TIMEOUT = 10.0

#: Seconds between two wake-ups of a loop that waits for us: an interrupt of a notebook's kernel is
#: seen when the loop wakes, and not before.
_HEARTBEAT = 0.2

#: Seconds between two looks for a transfer that has failed.
_LOOK = 0.1

if TYPE_CHECKING:

    class Waiting(Protocol):
        """What a body may wait for."""

        async def for_work(self, work: _core.Work) -> Any:
            """The result of native work."""

        async def for_call(self, call: Callable[[], _T]) -> _T:
            """The result of a vSphere call, which pyvmomi makes in a thread that it blocks."""

        async def for_transfers(
            self, transfers: list[Transfer], report: Reporter | None
        ) -> list[TransferResult]:
            """All results in order; the first failure as soon as it happens."""

        async def for_cleanup(self, work: _core.Work, seconds: float) -> Any:
            """The result of an ending, or None when it takes longer; it goes on then."""

        async def for_stop(self, transfers: list[Transfer]) -> None:
            """Cancels, and waits until partial files are removed."""


class InPlace:
    """Blocks the calling thread, which Ctrl-C ends."""

    async def for_work(self, work: _core.Work) -> Any:
        return work.wait()

    async def for_call(self, call: Callable[[], _T]) -> _T:
        return call()

    async def for_transfers(
        self, transfers: list[Transfer], report: Reporter | None
    ) -> list[TransferResult]:
        pending = list(transfers)
        while pending:
            ended = [transfer for transfer in pending if transfer.done()]
            if report:
                report.update()  # of a failure too, before it comes out
            for transfer in ended:
                transfer._wait(None)
                pending.remove(transfer)
            if pending:
                pending[0]._wait(_LOOK if report is None else INTERVAL)
        return [transfer.result() for transfer in transfers]

    async def for_cleanup(self, work: _core.Work, seconds: float) -> Any:
        return work.wait()

    async def for_stop(self, transfers: list[Transfer]) -> None:
        until = stop_all(transfers)
        for transfer in transfers:
            with suppress(Exception):  # the caller raises the first error
                transfer._core.wait(until - time.monotonic())


class InLoop:
    """Awaits in the running event loop, and in no other after that."""

    def __init__(self) -> None:
        self._loop: object = None

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

    async def for_work(self, work: _core.Work) -> Any:
        self.check()
        with heartbeat():
            await work.ended()
        return work.result()

    async def for_call(self, call: Callable[[], _T]) -> _T:
        self.check()
        with heartbeat():
            return await in_thread(call)

    async def for_transfers(
        self, transfers: list[Transfer], report: Reporter | None
    ) -> list[TransferResult]:
        import asyncio

        self.check()
        gathered = asyncio.gather(*transfers)
        gathered.add_done_callback(_looked_at)
        try:
            while report and not gathered.done():
                report.update()
                await asyncio.wait([gathered], timeout=INTERVAL)
        except BaseException:
            gathered.cancel()
            await asyncio.wait([gathered], timeout=STOP_TIMEOUT)
            raise
        if report:
            report.update()
        return list(await gathered)

    async def for_cleanup(self, work: _core.Work, seconds: float) -> Any:
        import asyncio

        with heartbeat(), suppress(asyncio.TimeoutError):
            await asyncio.wait_for(work.ended(), seconds)
            return work.result()
        return None

    async def for_stop(self, transfers: list[Transfer]) -> None:
        import asyncio

        until = stop_all(transfers)
        if transfers:
            ends = [asyncio.ensure_future(transfer._core.ended()) for transfer in transfers]
            with heartbeat():
                await asyncio.wait(ends, timeout=max(0, until - time.monotonic()))


def stop_all(transfers: list[Transfer]) -> float:
    """Cancels, and says until when to wait."""
    return max((transfer._started.stop() for transfer in transfers), default=0.0)


async def in_thread(call: Callable[[], _T]) -> _T:
    """What a blocking call returns, made in a thread that nothing waits for at an exit.

    A thread of asyncio's own pool would hold up the end of ``asyncio.run`` after a Ctrl-C.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    end: asyncio.Future[None] = loop.create_future()
    outcome: list[Callable[[], _T]] = []  # an asyncio.Future takes no StopIteration
    context = contextvars.copy_context()

    def wake() -> None:
        if not end.done():
            end.set_result(None)

    def work() -> None:
        try:
            value = context.run(call)
            outcome.append(lambda: value)
        except BaseException as error:
            outcome.append(functools.partial(_raise, error))
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(wake)

    threading.Thread(target=work, name="nfclease-call", daemon=True).start()
    await end
    return outcome.pop()()


def _raise(error: BaseException) -> NoReturn:
    raise error


def _looked_at(end: asyncio.Future[Any]) -> None:
    """Keeps the loop from complaining of an error that nobody retrieved."""
    if not end.cancelled():
        end.exception()


@contextmanager
def heartbeat() -> Iterator[None]:
    """Wakes the running loop while it waits for native work."""
    import asyncio

    loop = asyncio.get_running_loop()

    def beat() -> None:
        beats[0] = loop.call_later(_HEARTBEAT, beat)

    beats = [loop.call_later(_HEARTBEAT, beat)]
    try:
        yield
    finally:
        beats[0].cancel()


def run(body: Coroutine[Any, Any, _T]) -> _T:
    """The result of a body over :class:`InPlace`."""
    try:
        body.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    body.close()
    raise RuntimeError("a body over InPlace waits for nothing else")


def refuse_in_coroutine(method: str, instead: str) -> None:
    """Refuses to block the event loop of a coroutine that calls, itself or through functions.

    A notebook's cell and a REPL's line run inside a loop too, and may block: only their user waits.

    Raises:
        RuntimeError: A coroutine called.
    """
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    import inspect

    frame = sys._getframe(1)
    while frame is not None and not frame.f_code.co_name.startswith(("<module>", "<cell line")):
        if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            raise RuntimeError(
                f"{method}() would block the event loop in which {frame.f_code.co_name}() runs: "
                f"{instead}, or call it in asyncio.to_thread"
            )
        frame = frame.f_back  # type: ignore[assignment]


IN_PLACE = InPlace()
