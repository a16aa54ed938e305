"""Some seeds of the soup; `make soup` has the rest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest

from nfclease.simulator.faults import KINDS

from .harness.runner import ROOT
from .soup.recipe import FACES, FORMATS, Recipe, recipe_of
from .soup.running import run
from .soup.stage import Stage

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="not run: what a process holds is read from /proc"
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def test_forty_seeds_end_as_they_may() -> None:
    command = [sys.executable, "-m", "tests.faults.soup", "--seeds", "40", "--processes", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "40/40 seeds" in done.stdout
    assert "verified: manifest" in done.stdout


def test_a_seed_decides_everything() -> None:
    recipes = [recipe_of(seed) for seed in range(2000)]
    assert recipes == [recipe_of(seed) for seed in range(2000)]
    assert {recipe.face for recipe in recipes} == {*FACES}
    assert {recipe.disks for recipe in recipes} == {*FORMATS}
    # Each fault that the simulator knows.
    assert {fault.kind for recipe in recipes for fault in recipe.faults} == KINDS.keys()
    assert {recipe.trouble for recipe in recipes} == {
        "",
        *("raises", "cancelled", "signal", "full", "logged out", "expires", "killed"),
    }


@pytest.mark.parametrize("face", FACES)
def test_a_job_is_killed(stage: Stage, face: str) -> None:
    found = (seed for seed in count() if _is_killed(recipe_of(seed), face))
    ran = run(stage, next(found))
    assert (ran.violations, ran.ended) == ([], "Killed")


def _is_killed(recipe: Recipe, face: str) -> bool:
    return (recipe.face, recipe.trouble) == (face, "killed")


def test_wrong_bytes_are_seen(stage: Stage) -> None:
    clean = next(
        seed for seed in range(500) if not (recipe_of(seed).faults or recipe_of(seed).trouble)
    )
    assert run(stage, clean).violations == []
    right, stage.sums, stage.sent = (stage.sums, stage.sent), stage.sent, stage.sums
    try:
        assert any(text.startswith("I1") for text in run(stage, clean).violations)
    finally:
        stage.sums, stage.sent = right
