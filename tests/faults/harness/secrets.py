"""Where else a secret could be seen: pickles of errors, files that were left, command lines."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path

#: Of a file that is longer no more is read: a disk has no secrets of ours.
_MOST = 1 << 20


def pickled(error: BaseException) -> list[str]:
    """The pickles of an error and of those behind it, as a worker sends them home."""
    found, seen = [], set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        # What does not pickle goes nowhere.
        with contextlib.suppress(Exception):
            found.append(pickle.dumps(following).decode("latin-1"))
        following = following.__cause__ or following.__context__
    return found


def in_files(folder: Path) -> list[str]:
    """Names and contents of the files below a directory."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                found.append(f"{path.name}: {file.read(_MOST).decode('latin-1')}")
    return found


def in_command_lines() -> list[str]:
    """The command lines of this process and of what it has started, as every user sees them."""
    processes = [Path("/proc/self"), *_children(Path("/proc/self"))]
    found = []
    for process in processes:
        with contextlib.suppress(OSError):  # it has ended
            found.append((process / "cmdline").read_bytes().decode("latin-1").replace("\0", " "))
    return found


def _children(process: Path) -> list[Path]:
    found = []
    with contextlib.suppress(OSError):
        for thread in (process / "task").iterdir():
            for child in (thread / "children").read_text().split():
                found += [Path("/proc", child), *_children(Path("/proc", child))]
    return found
