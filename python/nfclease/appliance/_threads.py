"""Calls in threads of their own: they go on when the wait for them is broken off."""

from __future__ import annotations

import atexit
import contextvars
import os
import sys
import threading
import time

from nfclease._log import logger
from nfclease._text import escaped, reason_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


#: Seconds that the interpreter's exit waits for clean-up that goes on behind.
_EXIT_TIMEOUT = 30.0

#: Clean-up that is under way.
_cleaning: set[Thread] = set()


def _request_context() -> Callable[[], None]:
    """That of pyvmomi, which has none before it is loaded."""
    if "pyVmomi" not in sys.modules:
        return lambda: None
    from nfclease._pyvmomi.session import request_context

    return request_context()


class Thread:
    """A call in a thread; the interpreter's exit waits for it only where it is clean-up."""

    def __init__(self, call: Callable[[], Any], *, is_cleanup: bool = False) -> None:
        self.ended = threading.Event()
        self._call, self._bring = call, _request_context()
        self._context = contextvars.copy_context()
        self._value: Any = None
        self._error: BaseException | None = None
        if is_cleanup:
            _cleaning.add(self)
        thread = threading.Thread(target=self._run, name="nfclease-call", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread is left, which may be why the job failed
            self._run()

    def _run(self) -> None:
        try:
            self._bring()
            self._value = self._context.run(self._call)
        except BaseException as error:
            self._error = error
        _cleaning.discard(self)
        self.ended.set()

    def result(self) -> Any:
        """What the call returned or raised, once it has ended."""
        if self._error is not None:
            raise self._error
        return self._value


def cleaning(call: Callable[[], object]) -> Thread:
    """Clean-up in a thread; what it raises is logged, for it runs in the place of another error."""

    def logged() -> None:
        try:
            call()
        except Exception as error:
            logger().error("clean-up failed: %s", escaped(reason_of(error)))

    return Thread(logged, is_cleanup=True)


def _finish_at_exit() -> None:
    until = time.monotonic() + _EXIT_TIMEOUT
    for thread in list(_cleaning):
        thread.ended.wait(max(0.0, until - time.monotonic()))


atexit.register(_finish_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_cleaning.clear)  # the parent's threads are not in a child
