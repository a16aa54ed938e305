"""What a run of the catalogue says: lines for people, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from .case import GROUPS, Case
from .result import Result


def verdicts(results: Iterable[Result]) -> dict[str, str]:
    """How each case ended: a run that failed or was not run decides for the whole case."""
    found: dict[str, str] = {}
    worst = ("survived", "not run", "failed")
    for result in results:
        before = found.get(result.id, "survived")
        found[result.id] = max(before, result.status, key=worst.index)
    return found


def lines(
    results: list[Result], catalogue: Mapping[str, Case], unwritten: Mapping[str, str]
) -> list[str]:
    """``survived/total`` of each group and in all, what was not run and why, what failed and how.

    Args:
        results: All runs.
        catalogue: The cases by id.
        unwritten: The titles of cases that nobody has written yet.
    """
    ended = verdicts(results)
    total = sorted({*ended, *unwritten}, key=lambda id: (list(GROUPS).index(id[0]), id))
    told = []
    for letter, name in GROUPS.items():
        ids = [id for id in total if id[0] == letter]
        if ids:
            survived = sum(ended.get(id) == "survived" for id in ids)
            told.append(f"{letter} {survived:3}/{len(ids):<3} {name}")
    survived = sum(ended.get(id) == "survived" for id in total)
    told += ["", f"survived {survived}/{len(total)}, {len(results)} runs"]
    told += [f"not run: {id} {title}: not written yet" for id, title in sorted(unwritten.items())]
    reasons = {result.id: result.reason for result in results if result.status == "not run"}
    told += [f"not run: {id} {catalogue[id].title}: {why}" for id, why in sorted(reasons.items())]
    for result in results:
        if result.status == "failed":
            told.append(f"failed: {result.id} {result.face} {result.variant}")
            told += [f"    {violation}" for violation in result.violations]
    return told


def write(
    path: Path,
    results: list[Result],
    seed: int,
    unwritten: Mapping[str, str],
    seconds: float = 0.0,
) -> None:
    """All of it as JSON, with how long the whole took."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "seed": seed,
        "seconds": round(seconds, 1),
        "verdicts": {**dict.fromkeys(unwritten, "not run"), **verdicts(results)},
        "runs": [result.to_dict() for result in results],
    }
    path.write_text(json.dumps(said, indent=1))
