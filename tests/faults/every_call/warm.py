"""A process that does a job again and again: what it starts once is there before a fault."""

from __future__ import annotations

import faulthandler
from pathlib import Path

from nfclease.simulator import Simulator

from ..harness import invariants
from .calls import SOURCE, FailingCalls, Fault, built
from .judging import Outcome
from .runs import DEADLINE, Runs

#: After how many runs the process has to show that it can still do the job.
_CLEAN_EACH = 16


class Warm:
    """Lets calls of the system and of SOAP fail."""

    def __init__(self, job: str, face: str, folder: Path, simulator: Simulator) -> None:
        self._runs, self._done = Runs(job, face, folder, simulator), 0
        self._runs.bench.plant()
        self._runs.calls = FailingCalls(built(SOURCE, folder))
        for _ in range(3):
            self._runs.run(None, 0)
        faulthandler.dump_traceback_later(DEADLINE, exit=True)  # it has a thread
        self._runs.held = invariants.settled()
        self._memory = invariants.reset_peak()

    def count(self, fault: Fault) -> int:
        """How many such calls a run makes."""
        return self._runs.count(fault)

    def attempt(self, fault: Fault, k: int) -> Outcome:
        """A run whose k-th call fails; after some of them one without a fault."""
        ended = self._runs.run(fault, k)
        self._done += 1
        if self._done % _CLEAN_EACH == 0:
            ended.violations += self.clean()
        return ended.outcome

    def clean(self) -> list[str]:
        """What a run without a fault shows, and how the process has grown."""
        grown = invariants.peak() - self._memory
        return [*self._runs.clean(), *invariants.memory(grown, invariants.GROWTH)]
