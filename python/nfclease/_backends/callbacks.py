"""Calls back from transfers that nobody waits for: one thread of Python's, while there are any.

No native thread attaches to Python. This one waits natively, without the GIL, and calls.
"""

from __future__ import annotations

import itertools
import os
import threading

from nfclease import _core
from nfclease._backends.base import INTERVAL
from nfclease._log import logger
from nfclease._threads import start_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds of one wait; additions wake it.
_IDLE = 60.0


class Caller:
    """Calls when a transfer has ended, or again and again until then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends = _core.Ends()
        self._numbers = itertools.count(1)
        self._at_end: dict[int, Callable[[], object]] = {}
        self._meanwhile: dict[int, Callable[[], object]] = {}
        self._thread: threading.Thread | None = None

    def call(
        self,
        core: _core.Transfer,
        at_end: Callable[[], object],
        meanwhile: Callable[[], object] | None = None,
    ) -> None:
        """Calls ``at_end`` once, and ``meanwhile`` five times a second before.

        Raises:
            OSError: The system has no thread left for that.
        """
        with self._lock:
            number = next(self._numbers)
            self._at_end[number] = at_end
            if meanwhile is not None:
                self._meanwhile[number] = meanwhile
            if self._thread is None:
                try:
                    self._thread = start_thread(self._run, "nfclease-calls")
                except OSError:
                    del self._at_end[number]
                    self._meanwhile.pop(number, None)
                    raise
        self._ends.watch(core, number)
        self._ends.wake(0)

    def _run(self) -> None:
        while True:
            self._wait()
            with self._lock:
                if not self._at_end:
                    self._thread = None
                    return

    def _wait(self) -> None:
        try:
            number = self._ends.next(INTERVAL if self._meanwhile else _IDLE)
            with self._lock:
                meanwhile = list(self._meanwhile.values())
                self._meanwhile.pop(number or 0, None)
                at_end = self._at_end.pop(number or 0, None)
            for call in [*meanwhile, at_end]:
                if call is not None:
                    call()
        except Exception:  # of a log handler: nobody else waits here
            logger().exception("a call back from a transfer failed")


def _new() -> None:
    global caller
    caller = Caller()  # a thread and locks of the parent are not there in a forked child


caller: Caller
_new()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new)
