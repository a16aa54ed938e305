"""File objects that do to a transfer what real ones do."""

from __future__ import annotations

import io
import threading
from typing import Any


class Stuck(io.RawIOBase):
    """Its write comes back when the test says so: a file system that is gone."""

    def __init__(self) -> None:
        self.reached, self.goes_on = threading.Event(), threading.Event()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.reached.set()
        self.goes_on.wait(60)
        return len(data)
