"""The backend of a caller that blocks its thread, which Ctrl-C ends.

Over it an operation never suspends, so that :func:`run` gets its result in one step.
"""

# ruff: noqa: B904 - what is raised again is the same error

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, nullcontext

from nfclease._backends.tracebacks import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import Any, TypeVar

    from nfclease import _core
    from nfclease._backends.base import NextEnd

    _T = TypeVar("_T")

#: Seconds between two looks for a transfer that has failed.
_LOOK = 0.1


class Blocking:
    """Waits in the caller's own thread."""

    in_task = False

    def may_wait(self, cause: BaseException | None) -> bool:
        return True

    async def for_work(self, work: _core.Work) -> Any:
        return work.wait()

    async def for_call(self, call: Callable[[], _T]) -> _T:
        return call()

    @contextmanager
    def watch(self, transfers: Sequence[_core.Transfer]) -> Iterator[NextEnd]:
        async def next_end(seconds: float | None) -> None:
            running = next((each for each in transfers if not each.done()), None)
            if running is not None:
                running.wait_end(_LOOK if seconds is None else seconds)

        yield next_end

    async def for_cleanup(self, work: _core.Work, seconds: float) -> Any:
        return work.wait(seconds)

    #: Who blocks a thread comes when it calls.
    in_order = staticmethod(nullcontext)

    async def for_stop(self, transfers: Sequence[_core.Transfer], until: float) -> None:
        for transfer in transfers:
            transfer.wait_end(max(0.0, until - time.monotonic()))


BLOCKING = Blocking()


def run(
    operation: Coroutine[Any, Any, _T], method: str = "", instead: str = "use AsyncHttpNfcLease"
) -> _T:
    """The result of an operation over :class:`Blocking`.

    Args:
        operation: What to run.
        method: The public method that blocks; empty where it may block an event loop too.
        instead: What a coroutine is told to do.

    Raises:
        RuntimeError: A coroutine called that method.
    """
    try:
        if method:
            refuse_in_coroutine(method, instead)
        operation.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    except BaseException as error:
        operation.close()
        raise shortened(error)
    operation.close()
    raise RuntimeError("an operation over Blocking waits for nothing else")


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
