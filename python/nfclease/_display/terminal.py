"""What is written to a terminal, in pieces that the terminal's own echo does not break."""

from __future__ import annotations

import io
import signal
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO

#: Linux takes a longer write(2) apart, and writes a pressed ^C between the parts.
_PIECE = 2000
#: To the first column, and away with a ^C that stands there.
_CLEAR = "\x1b[G\x1b[2K"


class Terminal:
    """A text file on a terminal, for lines that begin at the first column.

    The terminal's driver shows a pressed Ctrl-C wherever it has got to: between two writes, and
    where it has a control character to turn into another one, as the newline. So each piece holds
    whole lines and none of those characters, and first clears the line that it begins on. The
    driver also throws away what is on its way to the screen then, half a frame perhaps: it is told
    not to (``NOFLSH``), which nobody notices in a terminal that a killed process leaves so.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._keeps = _set_flag(file, True)

    def give_back(self) -> None:
        """Leaves the driver as it was."""
        if self._keeps:
            self._keeps = not _set_flag(self._file, False)

    def write(self, text: str) -> int:
        for piece in _pieces(text):
            self._file.write(piece)
            self._file.flush()
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _set_flag(file: TextIO, flag: bool) -> bool:
    """Sets or clears ``NOFLSH``; whether that changed it."""
    try:
        import termios
    except ImportError:  # no such driver
        return False
    try:
        attributes = termios.tcgetattr(file.fileno())
        if bool(attributes[3] & termios.NOFLSH) == flag:
            return False
        attributes[3] ^= termios.NOFLSH
        with _in_background():
            termios.tcsetattr(file.fileno(), termios.TCSANOW, attributes)
    except (AttributeError, OSError, ValueError, termios.error):  # no terminal, or gone
        return False
    return True


@contextmanager
def _in_background() -> Iterator[None]:
    """A process that is not in the terminal's foreground would be stopped for setting it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pieces(text: str) -> Iterator[str]:
    """The first begins where the cursor is: what the script left on that line stays."""
    piece, length = "", 0
    for line in io.StringIO(text):
        line = line.replace("\r", "\x1b[G").replace("\n", "\x1b[G\x1bD")
        size = len(line.encode(errors="replace"))
        if piece and length + size > _PIECE:
            yield piece
            piece, length = _CLEAR, len(_CLEAR)
        piece, length = piece + line, length + size
    yield piece
