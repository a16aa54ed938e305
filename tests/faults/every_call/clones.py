"""Threads of this process that do not start, as they are told; Linux on x86-64 only."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .calls import FROM_THEN_ON, ONCE, Fault, loaded, why_not

SOURCE = Path(__file__).with_name("failing_clones.c")
CLONE = "clone"
#: One thread that cannot be had, and a system that has none from then on.
CLONES = (Fault(CLONE, errno.EAGAIN, ONCE), Fault(CLONE, errno.EAGAIN, FROM_THEN_ON))


class FailingClones:
    """The library, in this process; it is asked about each clone from now on.

    Args:
        library: The file that ``built`` has made of ``SOURCE``.

    Raises:
        OSError: The kernel permits no filter.
    """

    def __init__(self, library: Path) -> None:
        self._library = loaded(library, "clones_install")

    @contextmanager
    def failing(self, below: Path, fault: Fault | None, k: int) -> Iterator[None]:
        """Counts clones; the k-th gets the fault. What is ``below`` a directory is not asked."""
        how, number = (fault.how, fault.number) if fault is not None else (0, 0)
        self._library.clones_begin(ctypes.c_long(k), how, number)
        try:
            yield
        finally:
            self._library.clones_end()

    def count(self, kind: str) -> int:
        """How many clones there were in the last block."""
        count: int = self._library.clones_count()
        return count

    @property
    def hit(self) -> str | None:
        """What the fault was at; None where it was not reached."""
        return "the start of a thread" if self._library.clones_hits() else None


def needs_failing_clones() -> str:
    """Why no thread can be kept from its start here; empty where one can."""
    return why_not(SOURCE, "clones_install")
