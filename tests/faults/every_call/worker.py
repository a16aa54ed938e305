"""A process that does a job once for each call that it makes, and lets that call fail."""

from __future__ import annotations

import faulthandler
import gc
import json
import logging
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nfclease.simulator import Simulator

from ..harness import invariants, texts
from . import judging
from .calls import FailingCalls, Fault, built
from .jobs import JOBS, Bench

#: Seconds that one run may take, a repetition and its delay included.
DEADLINE = 60.0
#: After how many runs the process has to show that it can still do the job.
_CLEAN_EACH = 16
#: How often a run is done again in which fewer calls were made than there can be.
_TRIES = 4


@dataclass
class Swept:
    """What came of one fault at every call of one kind.

    Attributes:
        fault: As a text.
        count: How many calls of that kind a run without a fault makes.
        reached: The numbers of those that got the fault.
        survived: How many of these runs ended in a result.
        violations: What did not hold, by a text that begins with the number.
    """

    fault: str
    count: int = 0
    reached: list[int] = field(default_factory=list)
    survived: int = 0
    violations: list[str] = field(default_factory=list)


class Worker:
    """Does the runs of one job.

    Args:
        job: One of ``JOBS``.
        face: The blocking or the asyncio one.
        folder: Where its files may be.
    """

    def __init__(self, job: str, face: str, folder: Path, simulator: Simulator) -> None:
        self.job, self.simulator = JOBS[job], simulator
        self.bench = Bench(face, simulator, folder)
        self.log = texts.Log()
        logging.getLogger().addHandler(self.log)
        logging.getLogger().setLevel(logging.DEBUG)
        self.bench.plant()
        self._calls = FailingCalls(built(folder))
        for _ in range(3):
            self._run(None, 0)
        faulthandler.dump_traceback_later(DEADLINE, exit=True)  # it has a thread
        self._held = invariants.settled()
        self._memory = invariants.reset_peak()

    def sweep(self, fault: Fault, part: int, parts: int, only: list[int] | None) -> Swept:
        """Every call of a kind, or ``only`` these; of several workers each has its part."""
        swept = Swept(str(fault), self._count(fault))
        for k in only or range(part + 1, 1 << 30, parts):
            found = self._reached(fault, k, swept)
            if not found and k > swept.count:
                break
        swept.violations += self._clean()
        return swept

    def _count(self, fault: Fault) -> int:
        self._run(fault, 0)
        if fault.kind == "call":
            return len(self.simulator.calls())
        return self._calls.counts()[fault.kind]

    def _reached(self, fault: Fault, k: int, swept: Swept) -> bool:
        """Whether the k-th call was reached; a job does not make as many of them each time."""
        for _ in range(_TRIES if k <= swept.count else 1):
            ended = self._run(fault, k)
            swept.violations += [f"{fault} k={k}: {text}" for text in ended.violations]
            if ended.hit is not None:
                swept.reached.append(k)
                swept.survived += ended.error is None
                if len(swept.reached) % _CLEAN_EACH == 0:
                    swept.violations += self._clean()
                return True
        return False

    def _clean(self) -> list[str]:
        ended = self._run(None, 0)
        grown = invariants.peak() - self._memory
        return [
            *(f"I9: afterwards: {text}" for text in ended.violations),
            *invariants.memory(grown, invariants.GROWTH),
        ]

    def _run(self, fault: Fault | None, k: int) -> judging.Ended:
        faulthandler.dump_traceback_later(DEADLINE, exit=True)
        self.bench.renew()
        self.log.texts.clear()
        self.job.prepare(self.bench)
        self.simulator.reset()
        ended = judging.Ended(self.bench, self.job, fault)
        is_call = fault is not None and fault.kind == "call"
        if fault is not None and is_call and k:
            self.simulator.inject(str(fault.how), skip=k - 1, count=1, after=fault.after)
        with self._calls.failing(self.bench.folder, fault, k):
            try:
                ended.results = self.job.run(self.bench)
            except Exception as error:
                ended.failed(error)
        self.simulator.clear()
        ended.hit = self._call_hit() if is_call else self._calls.hit
        gc.collect()
        if fault is not None and k:
            ended.judge(self.log.texts, self._held)
        elif ended.error is not None:
            ended.violations.append(f"without a fault: {ended.text[-1500:]}")
        else:
            ended.violations += ended.wrong_result()
        if ended.error is None:
            self.job.forget(self.bench)
        self.simulator.expire()
        faulthandler.cancel_dump_traceback_later()
        return ended

    def _call_hit(self) -> str | None:
        """The SOAP call that the fault was at."""
        for call in self.simulator.calls():
            if call["result"] not in ("ok", None):
                return str(call["method"])
        return None


def main() -> None:
    """Does what a line of JSON asks for, and says what came of it in one."""
    asked = json.loads(sys.argv[1])
    folder = Path(tempfile.mkdtemp(prefix="nfclease-every-call-"))
    try:
        with Simulator(disks=1, disk_size=1 << 16, initializing=0.0) as simulator:
            worker = Worker(asked["job"], asked["face"], folder, simulator)
            for each in asked["faults"]:
                swept = worker.sweep(Fault(*each), asked["part"], asked["parts"], asked["only"])
                print(json.dumps(asdict(swept)), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
