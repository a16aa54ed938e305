"""Where jobs run: this process, any executor of ``concurrent.futures``, or Dask."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from nfclease._log import logger
from nfclease._rate import set_max_bytes_per_second
from nfclease._text import reason_of
from nfclease.fleet._hearing import Events
from nfclease.fleet._place import replace_file
from nfclease.fleet._share import path_of
from nfclease.fleet._workers import end_here, hear_here, stop_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from queue import SimpleQueue
    from typing import Any, TypeAlias

    from nfclease.fleet._place import RunPlace

    #: An executor, what makes one, or a ``distributed.Client``; None for this process.
    ExecutorOption: TypeAlias = Executor | Callable[[], Executor] | Any | None

#: Seconds between two looks at the processes of a pool.
_LOOK = 1.0
#: Seconds after which processes of this machine have read a file.
_READ = 0.5
#: Seconds after which no answer of a Dask worker is waited for.
_ANSWERED = 10.0


class Hands:
    """The executor of a run, made again where that is possible and it broke.

    Args:
        option: What the caller gave.
    """

    def __init__(self, option: ExecutorOption) -> None:
        self._make: Callable[[], Executor] | None = None
        self._client: Any = None
        self._nothing: Future[int] | None = None
        self._looked = 0.0
        given: Any = option
        #: Whether jobs are coroutines on one event loop of this process.
        self.is_loop: bool = option is None
        if option is None:
            from nfclease.fleet._loop import Loop  # asyncio costs as much as the package

            self._make = Loop
        elif callable(getattr(option, "get_executor", None)):
            self._client, self._make = given, given.get_executor
        elif isinstance(option, Executor):
            self._client = getattr(option, "_client", None)  # that of Client.get_executor()
        elif callable(option):
            self._make = option
        else:
            kind = type(option).__name__
            raise TypeError(
                "executor must be an Executor of concurrent.futures, a callable that makes one, a "
                f"distributed.Client or None, not {kind}"
            )
        self._executor: Executor = self._make() if self._make is not None else given

    @property
    def is_here(self) -> bool:
        """Whether the jobs run in this very process."""
        return self.is_loop or isinstance(self._executor, ThreadPoolExecutor)

    def submit(self, call: Callable[[Any], Any], argument: Any) -> Future[Any]:
        """Hands a job over, to a new executor if the last one broke and another can be made."""
        try:
            return self._executor.submit(call, argument)
        except RuntimeError as error:  # a BrokenExecutor, or one that was shut down
            if self._make is None:
                error.args = (
                    f"{error}; give run() a callable that makes an executor, and it goes on with a "
                    "new one",
                )
                raise
            logger().warning("the executor is broken, another one is made: %s", reason_of(error))
            self._shut_down()
            self._executor = self._make()
            return self._executor.submit(call, argument)

    @property
    def submit_call(self) -> Callable[[Callable[[], None]], None] | None:
        """Makes a call of the driver in the threads of the jobs' calls; None where it has none."""
        return getattr(self._executor, "submit_first", None) if self.is_loop else None

    def look(self) -> None:
        """Makes a pool of processes check that all of them live.

        Python's own looks only when it is woken, and it may have been woken for the last job before
        the process of that job was on its list: it would never hear that this one was killed.
        """
        pools: Any = sys.modules.get("concurrent.futures.process")
        if pools is None or not isinstance(self._executor, pools.ProcessPoolExecutor):
            return
        is_due = time.monotonic() - self._looked >= _LOOK
        if is_due and (self._nothing is None or self._nothing.done()):
            self._looked = time.monotonic()
            with suppress(RuntimeError):  # it is broken, and says so for each job
                self._nothing = self._executor.submit(os.getpid)

    def drop(self, future: Future[Any]) -> None:
        """Cancels a job that has not begun; not on Dask, whose cancel forgets running ones, too."""
        if self._client is None:
            future.cancel()

    def hear(self, place: RunPlace, inbox: SimpleQueue[Any]) -> None:
        """Has what workers tell put into the inbox, where the executor brings messages itself."""
        if self._client is not None:
            Events.subscribe(self._client, place.name, inbox)

    @contextmanager
    def limited(self, rate: int | None) -> Iterator[int | None]:
        """Limits this process where the jobs are in it; else the rate is to be divided."""
        if rate is None or not self.is_here:
            yield rate
            return
        before = set_max_bytes_per_second(rate)
        try:
            yield None
        finally:
            set_max_bytes_per_second(before)

    def share(self, place: RunPlace, text: str) -> Callable[[], bool]:
        """Tells the processes of their shares, and returns what says whether they have heard it.

        Raises:
            OSError: The file for them cannot be written.
        """
        began = time.monotonic()
        if self._client is None:
            replace_file(path_of(place), text)
        hear_here(place, text)
        if self._client is None:
            return lambda: time.monotonic() - began > _READ
        # A worker that hangs is not to hold the driver.
        thread = threading.Thread(target=self._tell, args=(hear_here, place, text), daemon=True)
        thread.start()
        return lambda: not thread.is_alive() or time.monotonic() - began > _ANSWERED

    def stop(self, place: RunPlace) -> None:
        """Tells workers on other machines, where the executor reaches one that is busy."""
        self._tell(stop_here, place)

    def end(self, place: RunPlace) -> None:
        """Tells them that the run has ended, and shuts down what was made for it."""
        Events.unsubscribe(place.name)
        self._tell(end_here, place)
        if self._make is not None and self._client is None:
            self._shut_down()

    def _tell(self, call: Callable[..., None], *about: Any) -> None:
        if self._client is not None:
            try:
                self._client.run(call, *about, on_error="ignore")
            except Exception as error:  # the cluster may be gone
                logger().warning("the Dask workers cannot be told: %s", reason_of(error))

    def _shut_down(self) -> None:
        with suppress(Exception):
            self._executor.shutdown(wait=False, cancel_futures=True)
