"""SIGTERM and SIGHUP end a command as Ctrl-C does, and none of them cuts the clean-up short."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any

#: Seconds that a clean-up may take before another signal cuts it short.
_BOUND = 30.0
#: Seconds after which a signal is seen that did not wake the main thread.
_LOOK = 0.5
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_LATER = b"nfclease: still cleaning up: the lease is ended and partial files are removed\n"


class Interrupted(KeyboardInterrupt):
    """A signal; ``with`` blocks and clean-ups take it for a Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number: int = number
        self.at: float = time.monotonic()


@contextmanager
def raised(*, to_the_end: bool) -> Iterator[None]:
    """Turns the signals into `Interrupted` within the block.

    Args:
        to_the_end: Whether the process ends after the block: none cuts its end short then, in which
            what is left is cleaned up.
    """
    global _over
    _over = False
    before: dict[int, Any] = {}
    try:
        for number in (getattr(signal, name, None) for name in _NAMES):
            # Who started us may want one of them ignored, as nohup does.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                with suppress(ValueError):  # not in the main thread, where none arrives
                    before[number] = signal.signal(number, _raise)
        with suppress(ValueError):
            _look_often(before)
        yield
    finally:
        if to_the_end:
            _over = True
        else:
            if getattr(signal, "SIGALRM", None) in before:
                _look_no_more()
            for number, handler in before.items():
                signal.signal(number, handler)


def _look_often(before: dict[int, Any]) -> None:
    """Has the main thread woken now and then, so that it sees a signal which did not wake it.

    Of several that come at once another thread may take all, and one may come just before a wait:
    Python runs a handler in the main thread alone, and that would wait on for its answer.
    """
    if hasattr(signal, "setitimer") and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL:
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, _LOOK, _LOOK)
        atexit.register(_look_no_more)  # the first that is registered: it is the last that runs


def _look_no_more() -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


#: Whether nothing is left but the interpreter's own end.
_over = False


def _raise(number: int, frame: FrameType | None) -> None:
    first = _being_handled()
    if not _over and (first is None or time.monotonic() - first.at > _BOUND):
        raise Interrupted(number)
    with suppress(OSError):
        os.write(2, _LATER)  # the text layer may be in the middle of a line


def _being_handled() -> Interrupted | None:
    """The signal whose clean-up is at work in this thread."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, Interrupted):
        error = error.__context__
    return error
