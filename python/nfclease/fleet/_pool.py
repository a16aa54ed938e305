"""A few threads for the calls of many jobs; one that a server holds up does not count."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, wait
from functools import partial

from pyVmomi.VmomiSupport import GetRequestContext

from nfclease._log import logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")

#: Calls at once, while servers answer.
_MOST = 4
#: Seconds after which a call does not count any more: a server that answers no more must not take
#: the threads from the jobs of other servers.
_PATIENCE = 1.0
#: Seconds for which a thread waits for another call.
_IDLE = 5.0


class Pool:
    """Makes calls in threads that the interpreter's exit does not wait for.

    Args:
        most: Calls at once, but for those that take longer than a second.
        idle: Seconds for which a thread waits for another call.
    """

    def __init__(self, most: int = _MOST, idle: float = _IDLE) -> None:
        self._most, self._idle = most, idle
        self._changed = threading.Condition()
        self._calls: deque[Callable[[], None]] = deque()
        #: When the call of each busy thread began, the longest first.
        self._begun: dict[int, float] = {}
        self._threads = 0
        self._is_open = True

    def submit(self, call: Callable[[], None], *, is_first: bool = False) -> None:
        """Makes the call as soon as a thread is free.

        Args:
            call: What is made; it raises nothing.
            is_first: Whether it goes before those that wait.

        Raises:
            RuntimeError: The system has no thread left, and there is none here.
        """
        with self._changed:
            (self._calls.appendleft if is_first else self._calls.append)(call)
            self._changed.notify()
            try:
                self._grow()
            except RuntimeError:
                if self._threads == 0:
                    self._calls.remove(call)
                    raise

    def close(self) -> None:
        """Lets threads end as soon as no call waits; one that comes later is made all the same."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def look(self) -> float | None:
        """Starts threads in the place of those that are held up.

        Returns:
            Seconds until it has to be called again; None where no call waits.
        """
        with self._changed:
            try:
                self._grow()
            except RuntimeError as error:
                logger().warning("calls wait for a thread: %s", error)
            return _PATIENCE / 4 if self._calls else None

    def _grow(self) -> None:
        before = time.monotonic() - _PATIENCE
        held_up = sum(begun < before for begun in self._begun.values())
        idle = self._threads - len(self._begun)
        while idle < len(self._calls) and self._threads - held_up < self._most:
            threading.Thread(target=self._work, name="nfclease-fleet-call", daemon=True).start()
            self._threads += 1
            idle += 1

    def _work(self) -> None:
        me = threading.get_ident()
        while (call := self._next(me)) is not None:
            try:
                call()
            except Exception:  # a call tells its caller itself what went wrong
                logger().exception("a call of a fleet's job failed")
            # What the call left there would go out with the calls of other sessions.
            GetRequestContext().clear()

    def _next(self, me: int) -> Callable[[], None] | None:
        with self._changed:
            self._begun.pop(me, None)
            self._changed.wait_for(lambda: self._calls or not self._is_open, self._idle)
            if not self._calls:
                self._threads -= 1
                return None
            self._begun[me] = time.monotonic()
            return self._calls.popleft()


def each_of(calls: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Makes several calls at once, and returns when all have ended.

    Returns:
        What each returned or raised, in their order.
    """
    if len(calls) < 2:
        return [outcome_of(call) for call in calls]
    futures: list[Future[T | Exception]] = [Future() for _ in calls]
    pool = Pool(idle=0.0)
    for future, call in zip(futures, calls, strict=True):
        pool.submit(partial(_fulfil, future, partial(outcome_of, call)))
    left = set(futures)
    while left:
        _, left = wait(left, timeout=pool.look())
    return [future.result() for future in futures]


def outcome_of(call: Callable[[], T]) -> T | Exception:
    """What it returned or raised."""
    try:
        return call()
    except Exception as error:
        return error


def _fulfil(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
