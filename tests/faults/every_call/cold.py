"""A process that starts no thread itself: each run has a child, which has all of them to start."""

from __future__ import annotations

import faulthandler
import functools
import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nfclease.simulator import Simulator

from ..harness import invariants
from .calls import Fault, built
from .clones import SOURCE, FailingClones
from .judging import Outcome
from .runs import DEADLINE, Runs


class Cold:
    """Lets threads not start."""

    def __init__(self, job: str, face: str, folder: Path, simulator: Simulator) -> None:
        self._runs = Runs(job, face, folder, simulator)
        self._library = built(SOURCE, folder)
        self._runs.bench.planted = in_child(self._planted)

    def _planted(self) -> Any:
        self._runs.bench.plant()
        return self._runs.bench.planted

    def count(self, fault: Fault) -> int:
        """How many threads a run starts."""
        count, self._runs.held = in_child(functools.partial(self._counted, fault))
        return int(count)

    def _counted(self, fault: Fault) -> tuple[int, invariants.Held]:
        self._runs.calls = FailingClones(self._library)
        count = self._runs.count(fault)
        faulthandler.dump_traceback_later(DEADLINE, exit=True)  # it has a thread
        return count, invariants.settled()

    def attempt(self, fault: Fault, k: int) -> Outcome:
        """A run whose k-th thread does not start, and one without a fault in the same process."""
        outcome: Outcome = in_child(functools.partial(self._attempted, fault, k))
        return outcome

    def _attempted(self, fault: Fault, k: int) -> Outcome:
        self._runs.calls = FailingClones(self._library)
        ended = self._runs.run(fault, k)
        ended.violations += self._runs.clean()
        return ended.outcome

    def clean(self) -> list[str]:
        """Each child has shown it."""
        return []


def in_child(work: Callable[[], Any]) -> Any:
    """What comes of it in a child, which has all that is here; what it starts ends with it.

    Raises:
        RuntimeError: The child ended without it.
    """
    mine, theirs = os.pipe()
    child = os.fork()
    if not child:
        _do(work, theirs)
    os.close(theirs)
    with open(mine, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status or not said:
        raise RuntimeError(f"a child ended with {os.waitstatus_to_exitcode(status)}")
    return pickle.loads(said)


def _do(work: Callable[[], Any], to: int) -> None:
    status = 1
    try:
        with open(to, "wb") as pipe:
            pickle.dump(work(), pipe)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
