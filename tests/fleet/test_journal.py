"""What a journal says again after it was closed."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from nfclease import JournalError
from nfclease.fleet import Failure, Journal, Outcome, read_status

from ..support.journals import outcome, planned, started, states, written


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nightly.db"


def test_all_of_it_is_there_after_it_was_closed(path: Path) -> None:
    failure = Failure("later", "the VM is held by task-12", "BlockedError", "task-12: clone")
    ended = outcome("a", "failed", bytes=7, seconds=1.5, attempts=3, failure=failure)
    with Journal(path) as journal:
        planned(journal, "a", vm="web", host="esx2", disks=3, bytes=300)
        started(journal, "a", attempt=3, target="/backup/web.ova")
        journal.end(ended)
    [row] = read_status(path)
    assert row.pop("changed") > 0
    assert row == {
        "key": "a",
        "kind": "export",
        "vm": "a",  # as the outcome says
        "host": "esx2",
        "state": "failed",
        "target": "/backup/a.ova",
        "worker": "here",
        "disks": 3,
        "total": 300,
        "bytes": 7,
        "seconds": 1.5,
        "attempts": 3,
        "verdict": "later",
        "reason": "the VM is held by task-12",
    }
    with Journal(path) as journal:
        assert [*journal.outcomes()] == [ended]


def test_every_outcome_is_kept_in_its_order(path: Path) -> None:
    made = [outcome(f"job {number % 7}", "done", bytes=number) for number in range(1203)]
    with Journal(path) as journal:
        for each in made:
            journal.end(each)
        assert [*journal.outcomes()] == made
        assert journal.done("job 3") == made[1200]


def test_a_new_plan_forgets_how_the_last_run_ended_and_no_outcome(path: Path) -> None:
    with Journal(path) as journal:
        planned(journal, "a")
        started(journal, "a", attempt=2)
        journal.end(outcome("a", "failed", attempts=2, bytes=5))
        planned(journal, "a", host="esx9")
        [row] = read_status(path)
        assert (row["state"], row["host"], row["attempts"]) == ("planned", "esx9", 0)
        assert (row["bytes"], row["reason"], row["verdict"], row["target"]) == (0, "", "", "")
        assert [each.state for each in journal.outcomes()] == ["failed"]


def test_who_was_at_work_when_the_driver_ended_is_interrupted(path: Path) -> None:
    with Journal(path) as journal:
        for key in ("a", "b", "c"):
            planned(journal, key)
            started(journal, key)
        journal.end(outcome("b"))
        assert journal.interrupted() == []  # they run
        assert states(path) == {"a": "running", "b": "done", "c": "running"}
    assert states(path) == {"a": "interrupted", "b": "done", "c": "interrupted"}
    with Journal(path) as journal:
        assert journal.interrupted() == ["a", "c"]
        planned(journal, "a")
        planned(journal, "c")
        assert journal.interrupted() == ["a", "c"]  # a plan changes nothing of it
        assert states(path)["a"] == "planned"
    with Journal(path) as journal:
        assert journal.interrupted() == ["a", "c"]
        started(journal, "a")
        assert journal.interrupted() == ["c"]
        journal.end(outcome("c", "cancelled"))
        assert journal.interrupted() == []
    with Journal(path) as journal:
        assert journal.interrupted() == ["a"]


def test_any_text_and_any_number_comes_back(path: Path) -> None:
    hostile = "a\0b\n\x1b[31m'; DROP TABLE jobs; --\u202e\udc80\U0001f600" + "x" * 10_000
    ended = outcome(hostile, vm=hostile, target=hostile, bytes=1 << 80)
    with Journal(path) as journal:
        planned(journal, hostile, bytes=1 << 80, vm=hostile, settings=json.dumps(hostile))
        started(journal, hostile, attempt=1 << 70, target=hostile)
        [row] = read_status(path)
        assert (row["key"], row["vm"], row["target"]) == (hostile, hostile, hostile)
        assert row["total"] == row["attempts"] == (1 << 63) - 1
    with Journal(path) as journal:
        assert journal.interrupted() == [hostile]
        journal.end(ended)
        assert journal.done(hostile) == ended
        assert [*journal.outcomes()] == [ended]


def test_a_number_that_is_none_leaves_no_row(path: Path) -> None:
    with Journal(path) as journal:
        started(journal, "a")
        with pytest.raises(ValueError, match="JSON"):
            journal.end(outcome("a", seconds=float("inf")))
        assert states(path) == {"a": "running"}
        assert [*journal.outcomes()] == []


def test_it_is_one_file_when_it_is_closed(path: Path, tmp_path: Path) -> None:
    with Journal(path) as journal:
        journal.end(outcome("a"))
        assert {each.name for each in tmp_path.iterdir()} > {f"{path.name}-wal"}
    assert {each.name for each in tmp_path.iterdir()} == {path.name, f"{path.name}.lock"}
    copied = tmp_path / "copy.db"
    copied.write_bytes(path.read_bytes())
    assert states(copied) == {"a": "done"}


def test_a_closed_one_says_so(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.close()
    for call in (journal.interrupted, lambda: journal.done("a"), lambda: planned(journal, "a")):
        with pytest.raises(JournalError, match=r"nightly\.db is closed"):
            call()


def test_many_threads_write_it(path: Path) -> None:
    def work(name: str) -> None:
        for number in range(50):
            started(journal, f"{name} {number}")
            journal.end(outcome(f"{name} {number}"))

    with Journal(path) as journal:
        threads = [threading.Thread(target=work, args=(f"thread {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert set(states(path).values()) <= {"running", "done"}  # a reader disturbs nobody
        for thread in threads:
            thread.join()
        assert len({each.key for each in journal.outcomes()}) == 200
        assert [*states(path).values()] == ["done"] * 200


def _use(journal: Journal, answer: multiprocessing.SimpleQueue[str]) -> None:
    try:
        journal.end(outcome("of the child"))
    except JournalError as error:
        answer.put(str(error))
    else:
        answer.put("")
    journal.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
def test_a_forked_child_may_not_write_it_and_takes_no_lock_along(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answer: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    with Journal(path) as journal:
        child = context.Process(target=_use, args=(journal, answer))
        child.start()
        assert "belongs to it alone" in answer.get()
        child.join(60)
        assert child.exitcode == 0
        with pytest.raises(JournalError, match="in use"):
            Journal(path)  # what the child closed is still locked here
        journal.end(outcome("a"))
    assert states(path) == {"a": "done"}


def test_an_outcome_is_json_and_comes_back_of_it() -> None:
    failure = Failure("never", "no privilege", "vim.fault.NoPermission")
    made = outcome("a", "failed", failure=failure, files=(written(Path(__file__)),))
    assert Outcome.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_leases_are_kept_until_the_job_is_done(path: Path) -> None:
    with Journal(path) as journal:
        started(journal, "a")
        journal.note_lease("a", "task-1")
        started(journal, "b")
        journal.note_lease("b", "task-2")
    with Journal(path) as journal:  # the first driver died
        assert (journal.leases("a"), journal.leases("b")) == (("task-1",), ("task-2",))
        started(journal, "a", attempt=2)
        journal.note_lease("a", "task-3")
        journal.note_lease("a", "task-1")  # told once more
        assert journal.leases("a") == ("task-3", "task-1")
        for number in range(20):
            journal.note_lease("a", f"task-{number}")
        assert journal.leases("a") == tuple(f"task-{number}" for number in range(12, 20))
        journal.end(outcome("a"))
        journal.end(outcome("b", "failed"))
        assert (journal.leases("a"), journal.leases("b")) == ((), ("task-2",))
        assert journal.leases("no such job") == ()
