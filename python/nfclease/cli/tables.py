"""Tables of plain text that fit the terminal, or one record under the other where they cannot."""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
from itertools import zip_longest
from unicodedata import combining, east_asian_width

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Blanks between two columns, and what the last one needs to be worth wrapping.
_GAP, _LEAST = 2, 16


def table(
    names: Sequence[str],
    rows: Iterable[Sequence[str]],
    width: int | None,
    right: Sequence[str] = (),
) -> list[str]:
    """Lines of a table; a column that is empty in each row is left out.

    Args:
        names: What the columns are called, in lower case.
        rows: The cells. What a terminal obeys is escaped, line ends too: names are a server's.
        width: Columns of the terminal; None for a pipe, where nothing is wrapped.
        right: Names of the columns that hold numbers.
    """
    cells = [[_plain(text) for text in row] for row in rows]
    kept = [at for at, _ in enumerate(names) if any(row[at] for row in cells)]
    names = [names[at] for at in kept]
    cells = [[row[at] for at in kept] for row in cells]
    if not cells or not names:
        return []
    widths = [max(map(cells_of, column)) for column in zip(names, *cells, strict=True)]
    before = sum(widths[:-1]) + _GAP * len(widths[:-1])
    if width is not None and before + widths[-1] >= width:
        if width - 1 - before < min(_LEAST, widths[-1]):
            return _records(names, cells, width)
        widths[-1] = width - 1 - before
    numbers = [name in right for name in names]
    lines = _lines([name.upper() for name in names], widths, numbers)
    for row in cells:
        lines += _lines(row, widths, numbers)
    return lines


def _plain(text: str) -> str:
    return text if text.isprintable() else escaped(text, len(text))


def _lines(row: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> list[str]:
    """One row, on as many lines as its last cell needs."""
    last = wrapped(row[-1], widths[-1])
    lines = []
    for first, cell in zip_longest([row[:-1]], last, fillvalue=[""] * (len(row) - 1)):
        texts = [*first, cell or ""]
        padded = (
            " " * (size - cells_of(text)) + text if number else text + " " * (size - cells_of(text))
            for text, size, number in zip(texts, widths, numbers, strict=True)
        )
        lines.append((" " * _GAP).join(padded).rstrip())
    return lines


def _records(names: Sequence[str], rows: Iterable[Sequence[str]], width: int) -> list[str]:
    """What each row is about on a line of its own, the other cells below it."""
    label = max(map(len, names[1:]), default=0)
    lines = []
    for row in rows:
        lines += wrapped(f"{names[0].upper()} {row[0].strip()}", width - 1)
        for name, text in zip(names[1:], row[1:], strict=True):
            if text:
                first, *more = wrapped(text, max(8, width - 1 - label - 4))
                lines.append(f"  {name:{label}}  {first}")
                lines += [" " * (label + 4) + line for line in more]
    return lines


def terminal_width() -> int | None:
    """Columns of standard output; None where it is not a terminal."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns


def fields(pairs: Iterable[tuple[str, str]], width: int | None) -> list[str]:
    """``name  value`` lines; a pair without a value is left out."""
    shown = [(name, _plain(value)) for name, value in pairs if value]
    label = max((len(name) for name, _ in shown), default=0)
    lines = []
    for name, value in shown:
        room = None if width is None else max(8, width - 1 - label - _GAP)
        first, *more = wrapped(value, room)
        lines.append(f"{name:{label}}{' ' * _GAP}{first}")
        lines += [" " * (label + _GAP) + line for line in more]
    return lines


def wrapped(text: str, width: int | None) -> list[str]:
    """Lines of at most this many columns; one at least."""
    if width is None or cells_of(text) <= width:
        return [text]
    if cells_of(text) == len(text):
        return textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    lines = [""]
    for char in text:
        if cells_of(lines[-1] + char) > width:
            lines.append("")
        lines[-1] += char
    return lines


def cells_of(text: str) -> int:
    """Columns that a terminal needs for it."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def size(count: int | None) -> str:
    """Bytes of a file, in powers of 1000, as the bars show them; empty when unknown."""
    if count is None:
        return ""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count} B"


def duration(seconds: float) -> str:
    """A time that something takes, as ``h:mm:ss``, rounded up."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def capacity(count: int | None) -> str:
    """Bytes of a disk or of memory, which come in powers of 1024; empty when unknown."""
    if count is None:
        return ""
    for unit, scale in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= scale:
            whole, rest = divmod(count, scale)
            return f"{whole:,} {unit}" if not rest else f"{count / scale:,.1f} {unit}"
    return f"{count} B"
