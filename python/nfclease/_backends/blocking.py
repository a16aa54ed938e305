"""How a caller waits that blocks its thread.

A body is a coroutine that does nothing but ``await`` a ``Waiting``. Over :class:`InPlace` it never
suspends, so that :func:`run` gets its result in one step, in the caller's own thread.
"""

# ruff: noqa: B904 - what is raised again is the same error

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from nfclease._backends.base import INTERVAL
from nfclease._backends.tracebacks import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager

    from nfclease import _core
    from nfclease.progress import Reporter
    from nfclease.transfer import Transfer, TransferResult

_T = TypeVar("_T")

#: Seconds between two looks for a transfer that has failed.
_LOOK = 0.1


class InPlace:
    """Blocks the calling thread, which Ctrl-C ends."""

    def may_wait(self, cause: BaseException | None) -> bool:
        return True

    async def for_work(self, work: _core.Work) -> Any:
        return work.wait()

    async def for_call(self, call: Callable[[], _T]) -> _T:
        return call()

    async def for_transfers(
        self, transfers: list[Transfer], report: Reporter | None
    ) -> list[TransferResult]:
        results: dict[Transfer, TransferResult] = {}
        while True:
            ended = [transfer for transfer in transfers if transfer.done()]
            if report:
                report.update()  # of a failure too, before it comes out
            for transfer in ended:
                results[transfer] = results.get(transfer) or transfer.result()
            running = [transfer for transfer in transfers if transfer not in results]
            if not running:
                return [results[transfer] for transfer in transfers]
            running[0]._core.wait_end(_LOOK if report is None else INTERVAL)

    async def for_cleanup(self, work: _core.Work, seconds: float) -> Any:
        return work.wait(seconds)

    def in_order(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()  # who blocks a thread comes when it calls

    async def for_stop(self, transfers: list[Transfer], until: float) -> None:
        for transfer in transfers:
            transfer._core.wait_end(max(0.0, until - time.monotonic()))


def run(body: Coroutine[Any, Any, _T]) -> _T:
    """The result of a body over :class:`InPlace`."""
    try:
        body.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    except BaseException as error:
        raise shortened(error)
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
