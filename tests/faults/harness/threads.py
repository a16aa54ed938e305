"""What a thread of a case raises, which nobody else would see."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def failures_told(violations: list[str]) -> Iterator[None]:
    """Adds what ends a thread in the block: the case went on without what it was there to do."""
    before = threading.excepthook

    def tell(ended: threading.ExceptHookArgs) -> None:
        text = "".join(traceback.format_exception(ended.exc_value))
        violations.append(f"I8: a thread ended: {text[-800:]}")

    threading.excepthook = tell
    try:
        yield
    finally:
        threading.excepthook = before
