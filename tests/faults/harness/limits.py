"""How long something may take before it is ended from outside."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Overdue(BaseException):
    """The case did not end; raised in it."""


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """Raises ``Overdue`` in the main thread after so long."""
    main = threading.main_thread().ident
    assert main is not None

    def overdue(*_: object) -> None:
        raise Overdue

    before = signal.signal(signal.SIGUSR2, overdue)
    timer = threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGUSR2))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGUSR2, before)
