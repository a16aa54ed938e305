"""Small tables for notebooks. No call is made, and nothing is shown that could be a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LEFT = " style='text-align:left;white-space:nowrap'"


def table(title: str, rows: dict[str, object]) -> str:
    """A caption and two columns; everything is escaped, servers' names included."""
    cells = "".join(
        f"<tr>{_cell('th', name)}{_cell('td', value)}</tr>" for name, value in rows.items()
    )
    return f"<table>{_cell('caption', title, '')}{cells}</table>"


def columns(title: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A caption, a row of names and a row for each thing."""
    head = "".join(_cell("th", name) for name in names)
    body = "".join(f"<tr>{''.join(_cell('td', value) for value in row)}</tr>" for row in rows)
    return f"<table>{_cell('caption', title, '')}<tr>{head}</tr>{body}</table>"


def _cell(tag: str, value: object, style: str = _LEFT) -> str:
    from html import escape  # nobody else needs it

    return f"<{tag}{style}>{escape(str(value))}</{tag}>"


def size(count: int | None) -> str:
    """Bytes for people; unknown is said to be."""
    if count is None:
        return "unknown"
    return f"{count:,} bytes" if count < 1_000_000 else f"{count / 1e6:,.1f} MB"
