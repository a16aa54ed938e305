"""Runs many cases in several processes at once: most of them wait for a clock or a server."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from .case import Case
from .result import Result
from .worker import Worker


def run_all(
    cases: Iterable[Case], seed: int, processes: int, module: str = "tests.faults"
) -> Iterator[Result]:
    """How each run of the cases ended, in the order in which they did.

    A case has a process to itself while it runs. Those that have to be alone on the machine come
    when the others have ended.

    Args:
        cases: Which.
        seed: Of their chance.
        processes: How many at once.
        module: As ``Worker`` has it.
    """
    cases = sorted(cases, key=lambda case: case.deadline)
    yield from _run([case for case in cases if not case.alone], seed, processes, module)
    yield from _run([case for case in cases if case.alone], seed, 1, module)


def _run(cases: list[Case], seed: int, processes: int, module: str) -> Iterator[Result]:
    waiting = deque(cases)
    results: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
    # One half takes the long ones, which use a processor, the other those that are short and wait.
    lanes = [
        _Lane(waiting.popleft if number % 2 else waiting.pop, results, seed, module)
        for number in range(processes)
    ]
    try:
        for lane in lanes:
            lane.start()
        for _ in range(sum(len(case.runs()) for case in cases)):
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        waiting.clear()
        for lane in lanes:
            lane.end()


class _Lane(threading.Thread):
    """Runs cases as long as there are some, in one process, or in another where that has ended."""

    def __init__(
        self,
        take: Callable[[], Case],
        results: queue.SimpleQueue[Result | BaseException],
        seed: int,
        module: str,
    ) -> None:
        super().__init__(daemon=True)
        self._take, self._results = take, results
        self._new = partial(Worker, seed, module=module)
        self._worker: Worker | None = None
        self._ended = False

    def run(self) -> None:
        try:
            while True:
                try:
                    case = self._take()
                except IndexError:  # there are no more
                    return
                for face, variant in case.runs():
                    if self._ended:
                        return
                    self._results.put(self._alive().run(case, face, variant))
        except BaseException as error:
            self._results.put(error)

    def _alive(self) -> Worker:
        if self._worker is None or not self._worker.is_alive:
            if self._worker is not None:
                self._worker.close()
            self._worker = self._new()
        return self._worker

    def end(self) -> None:
        """Ends its process, in the middle of a case too."""
        self._ended = True
        if self._worker is not None and self.is_alive():
            self._worker.kill()
        self.join()
        if self._worker is not None:
            self._worker.close()
