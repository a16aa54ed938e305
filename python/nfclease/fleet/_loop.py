"""Jobs as coroutines: one thread with an event loop for all of them, and a few for their calls."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial

from nfclease._backends.asyncio import in_thread, start_thread
from nfclease.fleet._pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Of this thread, which runs until the last job has ended.
_NAME = "nfclease-fleet-loop"


class Loop(Executor):
    """Runs coroutines, all at once; the interpreter's exit waits for none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = Pool()
        self._loop: asyncio.AbstractEventLoop | None = None
        #: What runs, and whether more may come. The loop ends when neither is so.
        self._jobs: set[asyncio.Task[None]] = set()
        self._is_open = True
        self._looks = False
        self._context = contextvars.copy_context()
        self._context.run(start_thread.set, self._start_call)

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Starts a coroutine function at once, and any other function when a thread is free.

        Raises:
            RuntimeError: It was shut down, or the system has no thread left.
        """
        future: Future[Any] = Future()
        self._soon(partial(self._start, future, partial(call, *args, **kwargs)))
        return future

    def submit_first(self, call: Callable[[], None]) -> None:
        """Makes a call, which raises nothing, in the threads of the jobs' calls and before those.

        Raises:
            RuntimeError: It was shut down, or the system has no thread left.
        """
        self._pool.submit(call, is_first=True)
        self._soon(self._look_on)

    def _soon(self, call: Callable[[], None]) -> None:
        with self._lock:
            if not self._is_open:
                raise RuntimeError("the executor was shut down")
            if self._loop is None:
                loop = asyncio.new_event_loop()
                try:
                    threading.Thread(
                        target=self._run, args=(loop,), name=_NAME, daemon=True
                    ).start()
                except RuntimeError:
                    loop.close()
                    raise
                self._loop = loop
            self._loop.call_soon_threadsafe(call, context=self._context)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more jobs. What runs goes on, and is not waited for."""
        with self._lock:
            self._is_open = False
            if self._loop is not None:
                with suppress(RuntimeError):  # it has ended
                    self._loop.call_soon_threadsafe(self._end)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()
            self._pool.close()

    def _start(self, future: Future[Any], call: Callable[[], Any]) -> None:
        task = asyncio.ensure_future(_run(future, call))
        self._jobs.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        self._end()

    def _end(self) -> None:
        if not self._is_open and not self._jobs and self._loop is not None:
            self._loop.stop()

    def _start_call(self, call: Callable[[], None]) -> None:
        """Called in the loop, by a job that waits for a call of pyvmomi."""
        self._pool.submit(call)
        self._look_on()

    def _look_on(self) -> None:
        if not self._looks:
            self._looks = True
            self._look()

    def _look(self) -> None:
        seconds = self._pool.look()
        self._looks = seconds is not None
        if seconds is not None and self._loop is not None:
            self._loop.call_later(seconds, self._look)


async def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        if inspect.iscoroutinefunction(call):
            future.set_result(await call())
        else:
            future.set_result(await in_thread(call, lambda: lambda: None))
    except BaseException as error:  # as the executors of Python do
        future.set_exception(error)
