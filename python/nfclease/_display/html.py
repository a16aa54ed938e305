"""Small tables for notebooks. No call is made, and nothing is shown that could be a secret."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LEFT = "text-align:left"
#: Longer values, checksums and servers' names among them, are broken where the table has no room.
_UNBROKEN = 24


def table(title: str, rows: dict[str, object]) -> str:
    """A caption and two columns; everything is escaped, servers' names included."""
    cells = "".join(f"<tr>{cell(name, 'th')}{cell(value)}</tr>" for name, value in rows.items())
    return f"<table>{_caption(title)}{cells}</table>"


def columns(title: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A caption, a row of names and a row for each thing."""
    head = "".join(cell(name, "th") for name in names)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table>{_caption(title)}<tr>{head}</tr>{body}</table>"


def cell(value: object, tag: str = "td") -> str:
    """A cell of a table; a long value wraps, so that a narrow notebook shows all of it."""
    from html import escape  # nobody else needs it

    text = str(value)
    wrap = "white-space:nowrap"
    if len(text) > _UNBROKEN:
        one_word = any(len(word) > _UNBROKEN for word in text.split())
        wrap = f"white-space:normal;min-width:{_UNBROKEN // 4}em"
        wrap += ";word-break:break-all;text-wrap:balance" if one_word else ""
    return f"<{tag} style='{_LEFT};{wrap}'>{escape(text)}</{tag}>"


def _caption(title: str) -> str:
    from html import escape

    return f"<caption>{escape(title)}</caption>"


def size(count: int | None) -> str:
    """Bytes for people; unknown is said to be."""
    if count is None:
        return "unknown"
    return f"{count:,} bytes" if count < 1_000_000 else f"{count / 1e6:,.1f} MB"
