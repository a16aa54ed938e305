"""Bars in a terminal: a line for each file that moves, the total first, what has ended above."""

from __future__ import annotations

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nfclease._display.overview import Row, clock, short, size, speed
from nfclease._display.screen import SCREEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.console import RenderableType

    from nfclease._display.overview import Seen

#: Columns from which on there is room for a bar, and for more than name and bytes.
_WIDE, _MIDDLE = 80, 45


class Bars:
    """The rows of one export or upload, on the process's screen."""

    def __init__(self, overview: Seen) -> None:
        self._overview = overview
        SCREEN.add(self._rows)

    def ended(self, text: str) -> None:
        """A file that moves no more has a line that stays, and no bar."""
        SCREEN.above(text)

    def refresh(self) -> None:
        SCREEN.refresh()

    def close(self) -> None:
        SCREEN.remove(self._rows)

    def _rows(self, width: int, lines: int) -> list[RenderableType]:
        total, running = self._overview.total(), self._overview.running()
        room = max(1, lines - (total is not None))
        shown = running if len(running) <= room else running[: room - 1]
        rows = ([total] if total else []) + shown
        made: list[RenderableType] = [_table(rows, width)] if rows else []
        if len(shown) < len(running):
            made.append(Text(f"and {len(running) - len(shown)} more that move"))
        return made


def _table(rows: list[Row], width: int) -> Table:
    """As much of each as the width has room for; the last column stays free."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.width = width - 1
    table.add_column(no_wrap=True, overflow="crop")
    if width >= _WIDE:
        table.add_column(ratio=1)
    table.add_column(no_wrap=True, overflow="crop", justify="right")
    if width >= _MIDDLE:
        table.add_column(no_wrap=True, overflow="crop", justify="right")
        table.add_column(no_wrap=True, overflow="crop", ratio=None if width >= _WIDE else 1)
    room = width // 2 if width >= _WIDE else _room(rows, width)
    for row in rows:
        table.add_row(*_cells(row, width, room))
    return table


def _room(rows: list[Row], width: int) -> int:
    """What names, bytes and rates leave for the last column."""
    columns = zip(*(_texts(row, width) for row in rows), strict=True)
    return max(0, width - 1 - sum(max(map(len, texts)) + 1 for texts in columns))


def _cells(row: Row, width: int, room: int) -> list[RenderableType]:
    name, moved, rate = map(Text, _texts(row, width))
    if width < _MIDDLE:
        return [name, moved]
    texts = [moved, rate, Text(_beside(row, room))]
    return [name, _bar(row), *texts] if width >= _WIDE else [name, *texts]


def _texts(row: Row, width: int) -> tuple[str, str, str]:
    """Name, bytes and rate."""
    of = "" if row.total is None else f"/{size(row.total)}"
    moved = f"{size(row.done)}{of}"
    longest = width // 4 if width >= _MIDDLE else max(8, width - len(moved) - 3)
    return short(row.name, longest), moved, speed(row.rate)


def _beside(row: Row, room: int) -> str:
    """The time that is left and the notes, as many of them as there is room for."""
    notes = row.note.split(", ") if row.note else []
    while True:
        shown = "  ".join(filter(None, (clock(row.seconds_left), ", ".join(notes))))
        if len(shown) <= room or not notes:
            return shown
        notes.pop()


def _bar(row: Row) -> ProgressBar:
    if row.share is None:
        return ProgressBar(total=None, pulse=True)
    return ProgressBar(total=1.0, completed=row.share)
