"""Waits for an event, with a limit that a busy machine does not reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


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


@contextmanager
def meanwhile(condition: Callable[[], object], act: Callable[[], object]) -> Iterator[None]:
    """Does something beside the block once a condition holds; what goes wrong in that is raised."""

    def later() -> None:
        wait_for(condition)
        act()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(later)
        yield
        done.result()
