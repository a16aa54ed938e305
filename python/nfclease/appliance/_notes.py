"""Advice at an error that is not ours."""

from __future__ import annotations


def add_note(error: BaseException, text: str) -> None:
    """As ``add_note``, which Python 3.10 lacks and pyvmomi's faults refuse; tracebacks show it."""
    notes = [*getattr(error, "__notes__", ()), text]
    object.__setattr__(error, "__notes__", notes)
