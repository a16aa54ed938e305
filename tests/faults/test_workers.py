"""That cases run in several processes, and that one which ends or hangs costs one run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .harness import trial_worker
from .harness import worker as worker_module
from .harness.together import run_all
from .harness.trial_worker import CASES
from .harness.worker import Worker

MODULE = trial_worker.__name__

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="not run: what a process holds is read from /proc"
)


def test_a_process_that_ends_has_failed_its_case() -> None:
    with Worker(1, module=MODULE) as worker:
        result = worker.run(CASES["H90"], "blocking")
        assert not worker.is_alive
    assert result.status == "failed"
    [violation] = result.violations
    assert violation.startswith("I9: its process ended with -6: ")
    assert "its last words" in violation


def test_a_process_that_hangs_has_failed_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_BESIDE", 2.0)
    with Worker(1, module=MODULE) as worker:
        result = worker.run(CASES["H91"], "blocking")
        assert not worker.is_alive
    assert result.status == "failed"
    assert "I9: its process did not end in 8 s" in result.violations[0]


def test_what_a_case_says_is_no_answer() -> None:
    with Worker(7, module=MODULE) as worker:
        for _ in range(2):
            result = worker.run(CASES["H92"], "blocking")
            assert (result.status, result.violations, result.seed) == ("survived", [], 7)


def test_the_process_goes_with_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Worker(1, module=MODULE) as worker:
        assert worker.run(CASES["H93"], "blocking").status == "survived"
        assert list(tmp_path.iterdir())
    assert not worker.is_alive
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("processes", [1, 3])
def test_all_run_and_those_that_are_alone_come_last(processes: int) -> None:
    cases = [CASES[id] for id in ("H93", "H90", "H92")]
    results = list(run_all(cases, 1, processes, MODULE))
    assert [(each.id, each.face) for each in results[2:]] == [
        ("H93", "blocking"),
        ("H93", "asyncio"),
    ]
    assert {each.id: each.status for each in results} == {
        "H90": "failed",
        "H92": "survived",
        "H93": "survived",
    }


def test_nothing_runs_on_when_nobody_waits_any_more() -> None:
    cases = [CASES["H93"], CASES["H92"]]
    results = run_all(cases, 1, 2, MODULE)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert list(results) == []
