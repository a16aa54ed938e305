"""Where jobs run: this process, any executor of ``concurrent.futures``, or Dask."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress

from nfclease._log import logger
from nfclease._text import reason_of
from nfclease.fleet._hearing import Events
from nfclease.fleet._workers import end_here, stop_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from queue import SimpleQueue
    from typing import Any, TypeAlias

    from nfclease.fleet._place import RunPlace

    #: An executor, what makes one, or a ``distributed.Client``; None for this process.
    ExecutorOption: TypeAlias = Executor | Callable[[], Executor] | Any | None


class Hands:
    """The executor of a run, made again where that is possible and it broke.

    Args:
        option: What the caller gave.
    """

    def __init__(self, option: ExecutorOption) -> None:
        self._make: Callable[[], Executor] | None = None
        self._client: Any = None
        given: Any = option
        #: Whether jobs are coroutines on one event loop of this process.
        self.is_loop = option is None
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
        """Hands a job over; to a new executor, if the last one broke and it is known how."""
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

    def drop(self, future: Future[Any]) -> None:
        """Takes back what has not begun. Dask forgets what has begun, too, and so is only told."""
        if self._client is None:
            future.cancel()

    def hear(self, place: RunPlace, inbox: SimpleQueue[Any]) -> None:
        """Has what workers tell put into the inbox, where the executor brings messages itself."""
        if self._client is not None:
            Events.subscribe(self._client, place.name, inbox)

    def stop(self, place: RunPlace) -> None:
        """Tells workers on other machines, where the executor reaches one that is busy."""
        self._tell(stop_here, place)

    def end(self, place: RunPlace) -> None:
        """Tells them that the run has ended, and shuts down what was made for it."""
        Events.unsubscribe(place.name)
        self._tell(end_here, place)
        if self._make is not None and self._client is None:
            self._shut_down()

    def _tell(self, call: Callable[[RunPlace], None], place: RunPlace) -> None:
        if self._client is not None:
            try:
                self._client.run(call, place, on_error="ignore")
            except Exception as error:  # the cluster may be gone
                logger().warning("the Dask workers cannot be told: %s", reason_of(error))

    def _shut_down(self) -> None:
        with suppress(Exception):
            self._executor.shutdown(wait=False, cancel_futures=True)
