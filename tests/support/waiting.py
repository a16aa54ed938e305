"""Waits for an event, with a limit that a busy machine does not reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Returns when it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "still waiting"
        time.sleep(0.01)


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Lets the loop go on until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "still waiting"
        await asyncio.sleep(0.01)
