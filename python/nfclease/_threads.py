"""Threads of Python's: where none can be started, that is the error which a native one gives."""

from __future__ import annotations

import errno
import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def start_thread(call: Callable[[], object], name: str) -> threading.Thread:
    """Calls in a thread that nothing waits for at an exit.

    Raises:
        OSError: EAGAIN; the system has no thread left.
    """
    thread = threading.Thread(target=call, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        text = os.strerror(errno.EAGAIN)
        raise OSError(errno.EAGAIN, text, "<native threads>") from error
    return thread


def start_or_call(call: Callable[[], object], name: str) -> None:
    """Calls in a thread; here, where the system has none left: for what ends things."""
    try:
        start_thread(call, name)
    except OSError:
        call()
