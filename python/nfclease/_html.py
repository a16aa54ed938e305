"""Small tables for notebooks. No call is made, and nothing is shown that could be a secret."""

from __future__ import annotations


def table(title: str, rows: dict[str, object]) -> str:
    """A caption and two columns; everything is escaped, servers' names included."""
    from html import escape  # nobody else needs it

    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(str(name))}</th>"
        f"<td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table><caption>{escape(title)}</caption>{cells}</table>"


def size(count: int | None) -> str:
    """Bytes for people; unknown is said to be."""
    if count is None:
        return "unknown"
    return f"{count:,} bytes" if count < 1_000_000 else f"{count / 1e6:,.1f} MB"
