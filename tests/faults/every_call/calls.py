"""System calls of this process that fail as they are told; Linux on x86-64 only."""

from __future__ import annotations

import ctypes
import errno
import functools
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("failing_calls.c")
#: As ``enum kind`` of the source has them.
KINDS = (
    *("open", "read", "write", "sync", "rename", "unlink", "truncate", "allocate", "mkdir"),
    *("lock", "stat", "socket", "connect", "receive", "send"),
)
#: As ``enum fault`` has them.
ONCE, FROM_THEN_ON, SHORT = 1, 2, 3


class Fault(NamedTuple):
    """What happens to the k-th call of a kind, or to a SOAP call.

    Attributes:
        kind: One of ``KINDS``; ``call`` for a SOAP call.
        number: The errno; 0 where half of the bytes are moved.
        how: ``ONCE``, ``FROM_THEN_ON`` or ``SHORT``; of a SOAP call, the fault of the simulator.
        after: Whether the SOAP call is done all the same.
    """

    kind: str
    number: int = 0
    how: int | str = ONCE
    after: bool = False

    def __str__(self) -> str:
        if isinstance(self.how, str):
            return f"{self.kind} {self.how}{' when done' if self.after else ''}"
        if self.how == SHORT:
            return f"{self.kind} short"
        return f"{self.kind} {errno.errorcode[self.number]}{' for ever' * (self.how != ONCE)}"


class FailingCalls:
    """The library, in this process; calls are trapped from now on, and fail within ``failing``.

    Args:
        library: The file that ``built`` has made.

    Raises:
        OSError: The kernel permits no filter.
    """

    def __init__(self, library: Path) -> None:
        self._library = loaded(library, "faults_install")
        self._library.faults_what.restype = ctypes.c_char_p

    @contextmanager
    def failing(self, below: Path, fault: Fault | None, k: int) -> Iterator[None]:
        """Counts calls on files below a directory and on sockets; the k-th gets the fault."""
        kind, how, number = 0, 0, 0
        if fault is not None and isinstance(fault.how, int):
            kind, how, number = KINDS.index(fault.kind), fault.how, fault.number
        at = ctypes.c_long(k if how else 0)
        self._library.faults_begin(str(below).encode(), kind, at, how, number)
        try:
            yield
        finally:
            self._library.faults_end()

    def count(self, kind: str) -> int:
        """How many calls of a kind there were in the last block."""
        count: int = self._library.faults_count(KINDS.index(kind))
        return count

    @property
    def hit(self) -> str | None:
        """The path or socket that the fault was at; None where it was not reached."""
        if not self._library.faults_hits():
            return None
        what: bytes = self._library.faults_what()
        return what.decode()


def built(source: Path, folder: Path) -> Path:
    """Compiles a library into a directory.

    Raises:
        subprocess.CalledProcessError: The compiler failed.
    """
    library = folder / source.with_suffix(".so").name
    command = ["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return library


def loaded(library: Path, install: str) -> ctypes.CDLL:
    """It, in this process, with its filter of system calls.

    Raises:
        OSError: The kernel permits no filter.
    """
    found = ctypes.CDLL(str(library))
    refused = found[install]()
    if refused:
        raise OSError(refused, "no filter of system calls")
    return found


@functools.cache
def why_not(source: Path, install: str) -> str:
    """Why it cannot be had here; empty where it can."""
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        return "the calls are known of Linux on x86-64"
    if not shutil.which("cc"):
        return "no C compiler"
    with tempfile.TemporaryDirectory() as folder:
        library = built(source, Path(folder))
        script = "import ctypes, sys; sys.exit(ctypes.CDLL(sys.argv[1])[sys.argv[2]]())"
        done = subprocess.run([sys.executable, "-c", script, str(library), install], check=False)
    return "the kernel permits no filter of system calls" if done.returncode else ""


def needs_failing_calls() -> str:
    """Why no calls can be made to fail here; empty where they can."""
    return why_not(SOURCE, "faults_install")
