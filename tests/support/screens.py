"""A terminal, by an emulator of one: what stands on it now, and whenever it was still."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pyte = pytest.importorskip("pyte", reason="not run: pyte is not installed")

#: Seconds without output after which the screen is as it was meant.
QUIET = 0.03


class Screens:
    """A terminal: what stands on it now, and what stood on it whenever it was still."""

    def __init__(self, columns: int, lines: int) -> None:
        self.master, self.slave = pty.openpty()
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._seen: list[list[str]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        moved = True
        while True:
            ended = self._ended.is_set()
            if select.select([self.master], [], [], QUIET)[0]:
                self._stream.feed(os.read(self.master, 65536))
                moved = True
            elif moved:
                self._seen.append(list(self._screen.display))
                moved = False
            elif ended:
                return

    def close(self) -> list[list[str]]:
        """All of them, the last one last."""
        self._ended.set()
        self._thread.join()
        os.close(self.master)
        return self._seen


@contextmanager
def terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int, lines: int = 40
) -> Iterator[list[list[str]]]:
    """Standard error is a terminal of this size; its screens are there after the block."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    there = Screens(columns, lines)
    seen: list[list[str]] = []
    file = os.fdopen(there.slave, "w", buffering=1, encoding="utf-8")
    with file, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", file)
        try:
            yield seen
        finally:
            seen += there.close()


def text_of(screen: list[str]) -> str:
    """All of it, lines that were wrapped joined."""
    return "".join(screen)


def rows(screen: list[str]) -> list[str]:
    """The first word of each line but those of files that have ended."""
    return [line.split()[0] for line in screen if line.strip() and ":" not in line.split()[0]]


def written_by(code: str, *args: str) -> Iterator[tuple[int, bytes]]:
    """Runs a script in a terminal of 80 x 24: its keyboard, and each part of what it writes.

    Raises:
        AssertionError: The script failed.
    """
    pid, master = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        os.execv(sys.executable, [sys.executable, "-W", "ignore", "-c", code, *args])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # the end, on Linux
            break
        if not data:
            break
        yield master, data
    os.close(master)
    assert os.waitpid(pid, 0)[1] == 0
