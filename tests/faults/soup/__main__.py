"""``python -m tests.faults.soup``: runs seeds of faults, and says how the jobs ended."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from math import inf
from pathlib import Path

from .processes import PROCESSES, ran
from .running import Ran, run
from .stage import Stage


def main() -> int:
    """0 where every run ended as it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone, in this process")
    parser.add_argument("--seconds", type=float, default=inf, help="what is not run by then is not")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="at once")
    parser.add_argument("--json", type=Path, default=Path("target/soup.json"), help="the report")
    given = parser.parse_args()
    if given.seed is not None:
        return _alone(given.seed)
    began, done = time.monotonic(), []
    for each in ran(range(given.first, given.first + given.seeds), given.processes):
        done.append(each)
        if each.violations:
            print("\n".join(_told(each)), file=sys.stderr, flush=True)
        if time.monotonic() - began > given.seconds:
            break
    seconds = time.monotonic() - began
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps([each.to_dict() for each in done], indent=1))
    print("\n".join([*counts(done), f"{seconds:.0f} s, {len(done) / seconds:.1f} seeds a second"]))
    return 1 if any(each.violations for each in done) else 0


def _alone(seed: int) -> int:
    stage = Stage()
    try:
        done = run(stage, seed)
    finally:
        stage.close()
    print("\n".join([*done.recipe, f"{done.ended}, {done.seconds:.2f} s", *done.violations]))
    return 1 if done.violations else 0


def _told(done: Ran) -> list[str]:
    """Of a run that failed."""
    again = f"again, alone: {Path(sys.executable).name} -m tests.faults.soup --seed {done.seed}"
    return [*done.recipe, f"    ended in {done.ended}", *done.violations, again]


def counts(done: list[Ran]) -> list[str]:
    """How often the jobs ended in what, and how many of each face were verified."""
    failed = sum(bool(each.violations) for each in done)
    told = [f"{len(done) - failed}/{len(done)} seeds ended as they may"]
    told += [f"{often:6} {how}" for how, often in Counter(one.ended for one in done).most_common()]
    for face in sorted({each.face for each in done}):
        of_face = [each.ended.startswith("verified") for each in done if each.face == face]
        told.append(f"{face:18} {sum(of_face)} of {len(of_face)} verified")
    return told


if __name__ == "__main__":
    sys.exit(main())
