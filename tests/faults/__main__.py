"""``python -m tests.faults``: runs the catalogue of faults and says what was survived."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from .catalogue import CATALOGUE, UNWRITTEN
from .harness import report, serving, together
from .harness.result import Result


def main() -> int:
    """0 where nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    serving.add_arguments(parser)
    parser.add_argument("--json", type=Path, default=Path("target/faults.json"), help="the report")
    parser.add_argument("--processes", type=int, default=1, help="how many run cases at once")
    parser.add_argument("ids", nargs="*", help="cases or groups, such as H13 or N; all if none")
    given = parser.parse_args()
    if given.worker:
        return serving.serve(given, CATALOGUE)
    wanted = [id for id in CATALOGUE if not given.ids or id.startswith(tuple(given.ids))]
    began, results = time.monotonic(), []
    for result in together.run_all([CATALOGUE[id] for id in wanted], given.seed, given.processes):
        _tell(result)
        results.append(result)
    results.sort(key=lambda result: wanted.index(result.id))
    unwritten = {} if given.ids else UNWRITTEN
    report.write(given.json, results, given.seed, unwritten, time.monotonic() - began)
    print("\n".join(report.lines(results, CATALOGUE, unwritten)))
    return 1 if any(result.status == "failed" for result in results) else 0


def _tell(result: Result) -> None:
    where = f"{result.id} {result.face} {result.variant}"
    told = [f"{where:50} {result.status:8} {result.seconds:6.1f} s"]
    told += [f"{what} {number:.3f} s" for what, number in result.numbers.items()]
    print("; ".join(told), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
