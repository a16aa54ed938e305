"""``python -m tests.faults``: runs the catalogue of faults and says what was survived."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .catalogue import CATALOGUE, UNWRITTEN
from .harness import report
from .harness.runner import Result, Runner


def main() -> int:
    """0 where nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the chance in the cases")
    parser.add_argument("--json", type=Path, default=Path("target/faults.json"), help="the report")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("ids", nargs="*", help="cases or groups, such as H13 or N; all if none")
    given = parser.parse_args()
    if given.child:
        print(json.dumps(_child(given.seed, *given.child)))
        return 0
    wanted = [id for id in CATALOGUE if not given.ids or id.startswith(tuple(given.ids))]
    results = _run(wanted, given.seed)
    unwritten = {} if given.ids else UNWRITTEN
    report.write(given.json, results, given.seed, unwritten)
    print("\n".join(report.lines(results, CATALOGUE, unwritten)))
    return 1 if any(result.status == "failed" for result in results) else 0


def _run(ids: list[str], seed: int) -> list[Result]:
    runner, results = Runner(seed), []
    try:
        for id in ids:
            for face, variant in CATALOGUE[id].runs():
                result = runner.run(CATALOGUE[id], face, variant)
                results.append(result)
                where = f"{id} {face} {variant}"
                told = [f"{where:50} {result.status:8} {result.seconds:6.1f} s"]
                told += [f"{what} {number:.3f} s" for what, number in result.numbers.items()]
                print("; ".join(told), file=sys.stderr)
    finally:
        runner.close()
    return results


def _child(seed: int, id: str, face: str, variant: str, folder: str) -> dict[str, object]:
    runner = Runner(seed, Path(folder))
    try:
        return runner.run(CATALOGUE[id], face, variant).to_dict()
    finally:
        runner.close()


if __name__ == "__main__":
    sys.exit(main())
