"""One run of a job, in which one call fails, and what is looked at after it."""

from __future__ import annotations

import faulthandler
import gc
import logging
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from nfclease.simulator import Simulator

from ..harness import invariants, texts
from . import judging
from .calls import Fault
from .jobs import JOBS, Bench

#: Seconds that one run may take, a repetition and its delay included.
DEADLINE = 60.0
#: The kind of a fault that the simulator makes.
SOAP = "call"


class Failing(Protocol):
    """Calls of this process that fail: ``FailingCalls``, ``FailingClones``."""

    def failing(self, below: Path, fault: Fault | None, k: int) -> AbstractContextManager[None]:
        """Counts calls in a block; the k-th gets the fault."""

    def count(self, kind: str) -> int:
        """How many calls of a kind there were in the last block."""

    @property
    def hit(self) -> str | None:
        """What the fault was at; None where it was not reached."""


class Runs:
    """Runs of one job, one after the other.

    Args:
        job: One of ``JOBS``.
        face: The blocking or the asyncio one.
        folder: Where its files may be.

    Attributes:
        bench: What the job is done with; who runs it plants that.
        calls: What lets calls of the system fail.
        held: What the process may hold after a run.
    """

    calls: Failing
    held: invariants.Held

    def __init__(self, job: str, face: str, folder: Path, simulator: Simulator) -> None:
        self._job, self._simulator = JOBS[job], simulator
        self.bench = Bench(face, simulator, folder)
        self._log = texts.Log()
        logging.getLogger().addHandler(self._log)
        logging.getLogger().setLevel(logging.DEBUG)

    def count(self, fault: Fault) -> int:
        """How many calls of the fault's kind a run without one makes."""
        ended = self.run(fault, 0)
        return ended.soap_calls if fault.kind == SOAP else self.calls.count(fault.kind)

    def clean(self) -> list[str]:
        """What is wrong with a run without a fault."""
        return [f"I9: afterwards: {text}" for text in self.run(None, 0).violations]

    def run(self, fault: Fault | None, k: int) -> judging.Ended:
        """Does the job; its k-th call of the fault's kind fails, if there is one."""
        faulthandler.dump_traceback_later(DEADLINE, exit=True)
        self._begin()
        ended = judging.Ended(self.bench, self._job, fault)
        is_call = fault is not None and fault.kind == SOAP
        if fault is not None and is_call and k:
            self._simulator.inject(str(fault.how), skip=k - 1, count=1, after=fault.after)
        with self.calls.failing(self.bench.folder, None if is_call else fault, k):
            try:
                ended.results = self._job.run(self.bench)
            except Exception as error:
                ended.failed(error)
        self._simulator.clear()
        ended.soap_calls = len(self._simulator.calls())  # and not those that clean up behind it
        ended.hit = self._call_hit() if is_call else self.calls.hit
        gc.collect()
        if fault is not None and k:
            ended.judge(self._log.texts, self.held)
        elif ended.error is not None:
            ended.violations.append(f"without a fault: {ended.text[-1500:]}")
        else:
            ended.violations += ended.wrong_result()
        if ended.error is None:
            self._job.forget(self.bench)
        self._simulator.expire()
        faulthandler.cancel_dump_traceback_later()
        return ended

    def _begin(self) -> None:
        self.bench.renew()
        self._log.texts.clear()
        self._job.prepare(self.bench)
        self._simulator.reset()

    def _call_hit(self) -> str | None:
        """The SOAP call that the fault was at."""
        for call in self._simulator.calls():
            if call["result"] not in ("ok", None):
                return str(call["method"])
        return None
