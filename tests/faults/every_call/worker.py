"""A process that does a job once for each call that it makes, and lets that call fail."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nfclease.simulator import Simulator

from .calls import Fault
from .clones import CLONE
from .cold import Cold
from .warm import Warm

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


def sweep(
    worker: Warm | Cold, fault: Fault, part: int, parts: int, only: list[int] | None
) -> Swept:
    """Every call of a kind, or ``only`` these; of several workers each has its part."""
    swept = Swept(str(fault), worker.count(fault))
    for k in only or range(part + 1, 1 << 30, parts):
        found = _reached(worker, fault, k, swept)
        if not found and k > swept.count:
            break
    swept.violations += worker.clean()
    return swept


def _reached(worker: Warm | Cold, fault: Fault, k: int, swept: Swept) -> bool:
    """Whether the k-th call was reached; a job does not make as many of them each time."""
    for _ in range(_TRIES if k <= swept.count else 1):
        outcome = worker.attempt(fault, k)
        swept.violations += [f"{fault} k={k}: {text}" for text in outcome.violations]
        if outcome.hit is not None:
            swept.reached.append(k)
            swept.survived += outcome.is_survived
            return True
    return False


def main() -> None:
    """Does what a line of JSON asks for, and says what came of it in one."""
    asked = json.loads(sys.argv[1])
    faults = [Fault(*each) for each in asked["faults"]]
    make = Cold if faults[0].kind == CLONE else Warm
    folder = Path(tempfile.mkdtemp(prefix="nfclease-every-call-"))
    try:
        with Simulator(disks=1, disk_size=1 << 16, initializing=0.0) as simulator:
            worker = make(asked["job"], asked["face"], folder, simulator)
            for fault in faults:
                swept = sweep(worker, fault, asked["part"], asked["parts"], asked["only"])
                print(json.dumps(asdict(swept)), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
