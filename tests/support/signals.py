"""Signals that a process of the tests hears, whoever started it."""

from __future__ import annotations

import signal

#: What tests send. A shell lets its background jobs ignore the first, nohup the last.
SENT = ("SIGINT", "SIGTERM", "SIGHUP")


def hear(*names: str) -> None:
    """Hears those again that whoever started this process let it ignore."""
    for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
        if signal.getsignal(number) == signal.SIG_IGN:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)
