"""Runs seeds in some processes at once: most of a run is waiting."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.util import Finalize

from .running import Ran, run
from .stage import Stage

#: At once; each has a simulator of its own.
PROCESSES = 6
_stages: list[Stage] = []


def ran(seeds: Iterable[int], processes: int = PROCESSES) -> Iterator[Ran]:
    """How each of them ended, in their order."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin) as pool:
        yield from pool.map(_run, seeds)


def _begin() -> None:
    stage = Stage()
    _stages.append(stage)
    Finalize(None, stage.close, exitpriority=1)


def _run(seed: int) -> Ran:
    return run(_stages[0], seed)
