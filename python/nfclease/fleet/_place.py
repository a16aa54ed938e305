"""Where a run is driven, and the files by which processes of that machine hear of each other."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass

#: A file that is longer is not read.
LONGEST = 1 << 16
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class RunPlace:
    """Where a run is driven: what another process needs to hear that it stops or has ended.

    Attributes:
        name: Of the run, unlike that of any other.
        directory: Of the driver, on its own machine. A file ``stop`` in it stops the run, and
            its removal ends it.
        pid: The driver's process.
        is_watched: Whether somebody wants to hear of bytes that move.
    """

    name: str
    directory: str
    pid: int
    is_watched: bool = False


def replace_file(path: str, text: str) -> None:
    """Writes a file that a reader sees whole or not at all.

    Raises:
        OSError: It cannot be written; then the one before is still there.
    """
    try:
        with open(f"{path}.new", "w", encoding="ascii") as file:
            file.write(text)
        os.replace(f"{path}.new", path)
    except OSError:
        with suppress(OSError):
            os.unlink(f"{path}.new")
        raise


def read_file(path: str) -> bytes:
    """The content of a small regular file; empty without one."""
    try:
        number = os.open(path, _FLAGS)
    except OSError:
        return b""
    try:
        is_file = stat.S_ISREG(os.fstat(number).st_mode)
        data = os.read(number, LONGEST + 1) if is_file else b""
    except OSError:
        return b""
    finally:
        os.close(number)
    return data if len(data) <= LONGEST else b""
