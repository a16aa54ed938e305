"""SIGTERM and SIGHUP end a command as Ctrl-C does, and none of them cuts the clean-up short."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

#: Seconds that a clean-up may take before another signal cuts it short.
_BOUND = 30.0
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
    _over, before = False, {}
    try:
        for number in (getattr(signal, name, None) for name in _NAMES):
            # Who started us may want one of them ignored, as nohup does.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                with suppress(ValueError):  # not in the main thread, where none arrives
                    before[number] = signal.signal(number, _raise)
        yield
    finally:
        if to_the_end:
            _over = True
        else:
            for number, handler in before.items():
                signal.signal(number, handler)


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
