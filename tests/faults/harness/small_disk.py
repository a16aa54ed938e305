"""A process that sees a small file system, which is soon full."""

from __future__ import annotations

from pathlib import Path

from ...support.failing_calls import can_mount, mounting


def needs_mount() -> str:
    """Why nothing can be mounted here; empty where it can."""
    return "" if can_mount() else "no user may mount anything here"


def small_disk(folder: str) -> list[str]:
    """A process that sees a file system of 1 MiB there."""
    return mounting(Path(folder), "size=1m")
