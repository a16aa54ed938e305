"""Ctrl-C and SIGTERM while a run is under way: the first stops it in order, the second at once."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Signals:
    """What arrived; a handler of its own for each, which a run needs in the main thread alone.

    Args:
        wake: Called by the handler, so that the driver looks.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self._before: dict[int, Any] = {}
        #: The first that came, 0 before.
        self.number = 0
        #: Whether the driver waits for a server, and so would not look.
        self.is_away = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Handles the signals in the block, but for those that are ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        try:
            for number in (getattr(signal, name, None) for name in _NAMES):
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._handle)
            yield
        finally:
            before, self._before = self._before, {}
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def away(self) -> Iterator[None]:
        """A block in which the first signal is an exception, too."""
        self.is_away = True
        try:
            yield
        finally:
            self.is_away = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_second, self.number = bool(self.number), self.number or number
        self._wake()
        if is_second or self.is_away:
            self.is_away = False
            raise _exception(number)

    def raise_again(self, frame: FrameType | None = None) -> None:
        """Does what the signal would have done without the run, once that is stopped.

        Raises:
            BaseException: What the script's own handler raises, else KeyboardInterrupt for Ctrl-C
                and SystemExit for the others.
        """
        handler = self._before.get(self.number)
        if callable(handler):
            handler(self.number, frame)
        raise _exception(self.number)


def _exception(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
