"""Streams that are slow until a disk is spooled beside its archive.

A disk begins before its turn where streams are slow. A fast one may be whole before that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nfclease.simulator import Simulator

#: Half a minute for a disk of the tests: nobody takes so long to see that it is slow.
SLOW = 100_000


@contextmanager
def spooling(simulator: Simulator, ova: Path) -> Iterator[None]:
    """Holds all streams back for the block, until the second one has begun.

    The third may begin before it: the first could then be whole before the second has a byte, and
    that would go straight into the archive.
    """
    over = threading.Event()

    def lift() -> None:
        while not over.wait(0.01) and not (ova.parent / f"{ova.name}.1.part").exists():
            pass
        simulator.set(bandwidth=0)

    simulator.set(bandwidth=SLOW)
    thread = threading.Thread(target=lift)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
