"""Rows in a notebook: one table, which is drawn again in its place."""

from __future__ import annotations

import time

from nfclease._display.html import cell
from nfclease._display.overview import clock, line, size, speed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease._display.overview import Row, Seen

#: More files than these are counted, not shown.
_MOST = 24
#: Of a bar without a size: its part, and the seconds in which it goes to and fro.
_PART, _PERIOD = 20, 4.0
_COLOURS = {"running": "#1976d2", "ended": "#388e3c", "failed": "#c62828"}
_COLOURS["stopped"] = _COLOURS["failed"]


class Rows:
    """The table of one export or upload, as the output of the cell that runs."""

    def __init__(self, overview: Seen) -> None:
        from IPython.display import display  # type: ignore[attr-defined, unused-ignore]

        self._overview = overview
        self._stopped = False
        self._handle: Any = display(self._shown(), raw=True, display_id=True)  # type: ignore[no-untyped-call, unused-ignore]

    def ended(self, text: str) -> None:
        """It keeps its row."""

    def refresh(self) -> None:
        self._handle.update(self._shown(), raw=True)

    def close(self) -> None:
        self._stopped = True
        self.refresh()

    def _shown(self) -> dict[str, str]:
        total, rows = self._overview.total(final=self._stopped), self._overview.rows()
        # What moves or has failed matters most, then what has ended last.
        rows.sort(key=lambda row: row.state == "ended")
        hidden = rows[_MOST:]
        rows = ([total] if total else []) + rows[:_MOST]
        more = f"<div>and {len(hidden)} more</div>" if hidden else ""
        body = "".join(_row(row, self._stopped) for row in rows)
        return {
            "text/html": f"<table>{body}</table>{more}",
            "text/plain": "\n".join(map(line, rows)) or "nothing moves yet",
        }


def _row(row: Row, stopped: bool) -> str:
    state = "stopped" if stopped and row.state == "running" else row.state
    note = ", ".join(filter(None, (row.note, state if state == "stopped" else "")))
    of = "" if row.total is None or row.state == "ended" else f" of {size(row.total)}"
    cells = [
        cell(row.name),
        f"<td>{_bar(row, state)}</td>",
        cell(f"{size(row.done)}{of}"),
        cell(speed(row.rate)),
        cell(clock(None if stopped else row.seconds_left)),
        cell(note or state),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _bar(row: Row, state: str) -> str:
    start, part = 0.0, 100 * (row.share or 0.0)
    if row.share is None and state == "running":  # moves, and claims nothing
        there = time.monotonic() % _PERIOD / _PERIOD
        start, part = (100 - _PART) * (1 - abs(2 * there - 1)), _PART
    elif row.share is None:
        part = _PART
    inner = (
        f"<div style='height:100%;margin-left:{start:.0f}%;width:{part:.0f}%;"
        f"background:{_COLOURS[state]}'></div>"
    )
    return (
        "<div style='width:8em;height:0.8em;border-radius:0.2em;overflow:hidden;"
        f"background:rgba(128,128,128,0.3)'>{inner}</div>"
    )
