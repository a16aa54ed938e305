"""Any list of jobs, hosts and failures: limits hold, every job ends once, the journal agrees.

Window, retries, threads and the journal are the real ones; what a job does is made up.
"""

from __future__ import annotations

import os
import queue
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nfclease.fleet import ExportJob, Failure, Journal, Outcome, _driving
from nfclease.fleet._driving import Driver, Interrupted
from nfclease.fleet._place import RunPlace
from nfclease.fleet._records import Records
from nfclease.fleet._retrying import Rules
from nfclease.fleet._working import Assignment
from nfclease.fleet.executors import Hands
from nfclease.fleet.planning import Planned

from ..support.journals import states

pytest.importorskip("hypothesis", reason="not run: it is not installed")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PLACE = RunPlace("made up", "/nowhere", 0)
#: Attempts after which a run is stopped.
NEVER = 1_000_000


@dataclass(frozen=True)
class Made:
    """A job, the host where its VM is at its start, and how its attempts end."""

    vcenter: str
    host: str
    moves_to: str
    disks: int
    size: int
    endings: tuple[str, ...]


jobs = st.lists(
    st.builds(
        Made,
        vcenter=st.sampled_from(["vc1", "vc2"]),
        host=st.sampled_from(["a", "b", "c"]),
        moves_to=st.sampled_from(["a", "b", "c"]),
        disks=st.integers(0, 7),
        size=st.integers(0, 3),
        endings=st.builds(
            lambda first, last: (*first, last),
            st.lists(st.sampled_from(["again", "later", "raise", "interrupt"]), max_size=4),
            st.sampled_from(["done", "done", "done", "never"]),
        ),
    ),
    max_size=12,
)
rules = st.builds(
    Rules,
    per_host=st.integers(1, 6),
    per_vcenter=st.integers(1, 9),
    retries=st.integers(0, 3),
    retry_delay=st.just(0.0),
    stop_on_failure=st.booleans(),
)


class Run:
    """One run of these jobs: what moves where at each moment, and how it ends."""

    def __init__(
        self, made: list[Made], rules: Rules, journal: Journal, stop_after: int = NEVER
    ) -> None:
        self.rules = rules
        self.broken: list[str] = []
        self._lock = threading.Lock()
        self._costs: list[tuple[str, str, int]] = []
        self._stop_after, self._begun = stop_after, 0
        self._left: dict[str, list[str]] = {}
        self._made: dict[str, Made] = {}
        self.items: list[Planned] = []
        for number, each in enumerate(made):
            job = ExportJob(each.vcenter, f"vm-{number}", "{vm}.ova")
            self._left[job.key], self._made[job.key] = list(each.endings), each
            assignment = Assignment(job, PLACE, f"vm-{number}.ova", job.vm, None)
            self.items.append(
                Planned(assignment, each.vcenter, each.host, each.host, each.disks, each.size)
            )
        self.records = Records(journal)

    def body(self, assignment: Assignment) -> Outcome:
        """One attempt."""
        made = self._made[assignment.job.key]
        cost = (made.vcenter, made.moves_to, max(made.disks, 1))
        with self._lock:
            self._begun += 1
            self._costs.append(cost)
            self._check([each for each in self._costs if each[:2] == cost[:2]], self.rules.per_host)
            self._check(
                [each for each in self._costs if each[0] == cost[0]], self.rules.per_vcenter
            )
            how = self._left[assignment.job.key].pop(0)
        time.sleep(0.002)  # so that they overlap
        with self._lock:
            self._costs.remove(cost)
        if how == "raise":
            raise ConnectionResetError("the worker is gone")
        if how in ("done", "interrupt"):
            return assignment.outcome(state="done" if how == "done" else "cancelled")
        verdict: Any = how
        return assignment.outcome(state="failed", failure=Failure(verdict, "made up", "X"))

    def _check(self, moving: list[tuple[str, str, int]], most: int) -> None:
        """What costs more than the limit may run, alone."""
        if len(moving) > 1 and sum(disks for *_, disks in moving) > most:
            self.broken.append(f"more than {most}: {moving}")

    def look_again(self, items: list[Planned]) -> None:
        """The VMs have moved."""
        for item in items:
            item.host = self._made[item.key].moves_to

    def drive(self) -> bool:
        """Whether it has run to its end."""
        driver = Driver(
            self.items,
            body=self.body,
            hands=Hands(None),
            inbox=queue.SimpleQueue(),
            rules=self.rules,
            records=self.records,
            look_again=self.look_again,
            is_stopping=lambda: self._begun >= self._stop_after,
        )
        try:
            driver.drive()
        except Interrupted:
            self.records.stopping()
            driver.stop()
            return False
        return True


def expected(endings: tuple[str, ...], retries: int) -> tuple[str, int]:
    """How a job has to end where nothing stops it, and after how many attempts."""
    failed = 0
    for number, how in enumerate(endings, 1):
        failed += how in ("again", "raise", "interrupt")
        if how == "done":
            return "done", number
        if how == "never" or failed > retries:
            return "failed", number
    raise AssertionError("the last ending is for good")


@settings(
    max_examples=120,
    deadline=None,
    database=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(made=jobs, rules=rules, stop_after=st.sampled_from([NEVER, NEVER, 1, 3, 8]))
def test_limits_hold_every_job_ends_once_and_the_journal_agrees(
    made: list[Made], rules: Rules, stop_after: int
) -> None:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(_driving, "_FRESH", 0.0)  # the hosts are read before each start
        path = Path(directory) / "nightly.db"
        with Journal(path) as journal:
            run = Run(made, rules, journal, stop_after)
            is_whole = run.drive()
            assert run.broken == []
            outcomes = {each.key: each for each in run.records.outcomes}
            assert len(outcomes) == len(run.records.outcomes) == len(made)
            for item, each in zip(run.items, made, strict=True):
                found = outcomes[item.key].state, outcomes[item.key].attempts
                state, attempts = expected(each.endings, rules.retries)
                if is_whole and not rules.stop_on_failure:
                    assert found == (state, attempts)
                # Once a run stops, nothing is tried again.
                assert found == (state, attempts) or found[0] in ("cancelled", "failed")
                assert found[1] <= attempts
            if is_whole and "cancelled" in {each.state for each in outcomes.values()}:
                assert rules.stop_on_failure
                assert "failed" in {each.state for each in outcomes.values()}
            assert journal.interrupted() == []
            began = [each for each in run.records.outcomes if each.attempts]
            assert [*journal.outcomes()] == began
            assert states(path) == {
                key: each.state if each.attempts else "planned" for key, each in outcomes.items()
            }
        # Another driver knows what is done, and does the rest: all that was planned ends once more.
        with Journal(path) as journal:
            again = Run([replace(each, endings=("done",)) for each in made], Rules(), journal)
            assert again.drive()
            for ended in again.records.outcomes:
                was_done = outcomes[ended.key].state == "done"
                assert ended.state == ("skipped" if was_done else "done")
        assert {*states(path).values()} <= {"done"}
