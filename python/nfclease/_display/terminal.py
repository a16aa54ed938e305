"""What is written to a terminal, in pieces that the terminal's own echo does not break."""

from __future__ import annotations

import io

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
    whole lines and none of those characters, and first clears the line that it begins on.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        for piece in _pieces(text):
            self._file.write(piece)
            self._file.flush()
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


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
