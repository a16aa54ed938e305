"""The driver with made-up jobs: the window, the retries and the threads are the real ones."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import Counter
from typing import Any

import pytest

from nfclease.fleet import ExportJob, Failure, Outcome, _driving
from nfclease.fleet._driving import Driver
from nfclease.fleet._place import RunPlace
from nfclease.fleet._records import Records
from nfclease.fleet._retrying import Rules
from nfclease.fleet._working import Assignment
from nfclease.fleet.executors import Hands
from nfclease.fleet.planning import Planned

PLACE = RunPlace("made up", "/nowhere", 0)


class Hosts:
    """Bodies of jobs that count what runs where, and fail as they are told."""

    def __init__(self, chance: random.Random, most: int) -> None:
        self.plan: dict[str, list[str]] = {}
        self.cost: dict[str, tuple[str, int]] = {}
        self._chance, self._most = chance, most
        self._lock = threading.Lock()
        self._running: dict[str, list[int]] = {}
        self._started: set[str] = set()
        self.broken: list[str] = []

    def job(self, number: int) -> Planned:
        """A job whose attempts end in a made-up way."""
        job = ExportJob("vc", f"vm-{number}", "{vm}.ova")
        host, disks = f"h{self._chance.randint(1, 4)}", self._chance.choice([1, 1, 2, 3, 9])
        self.plan[job.key] = self._chance.choices(["done", "again", "later", "raise", "never"], k=9)
        self.cost[job.key] = host, disks
        assignment = Assignment(job, PLACE, job.target, job.vm, None)
        return Planned(assignment, "vc", host, host, disks, self._chance.randint(0, 9))

    def body(self, assignment: Assignment) -> Outcome:
        """One attempt."""
        host, disks = self.cost[assignment.job.key]
        with self._lock:
            running = self._running.setdefault(host, [])
            running.append(disks)
            self._started.add(assignment.job.key)
            if sum(running) > self._most and len(running) > 1:
                self.broken.append(f"{host}: {running}")
            how = self.plan[assignment.job.key].pop(0)
        time.sleep(0.001)  # some are beside each other
        with self._lock:
            running.remove(disks)
        if how == "raise":
            raise ConnectionResetError("the worker is gone")
        if how == "done":
            return assignment.outcome(state="done")
        verdict: Any = how
        return assignment.outcome(state="failed", failure=Failure(verdict, "made up", "X"))

    def look(self, items: list[Planned]) -> None:
        """Some have moved; one that was started once stays where it is."""
        with self._lock:
            for item in items:
                if item.key not in self._started and self._chance.random() < 0.3:
                    item.host = f"h{self._chance.randint(1, 4)}"
                    self.cost[item.key] = item.host, item.disks


def driven(seed: int) -> None:
    chance = random.Random(seed)
    rules = Rules(per_host=chance.randint(1, 6), retries=chance.randint(0, 3), retry_delay=0.0)
    hosts, records = Hosts(chance, rules.per_host), Records()
    items = [hosts.job(number) for number in range(chance.randint(0, 40))]
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    expected = {each.key: ending(hosts.plan[each.key], rules.retries) for each in items}
    Driver(
        items,
        body=hosts.body,
        hands=Hands(None),
        inbox=inbox,
        rules=rules,
        records=records,
        look_again=hosts.look,
    ).drive()
    assert hosts.broken == [], seed
    assert Counter(each.key for each in records.outcomes) == dict.fromkeys(expected, 1), seed
    found = {each.key: (each.state, each.attempts) for each in records.outcomes}
    assert found == expected, seed


def ending(plan: list[str], retries: int) -> tuple[str, int]:
    """How a job has to end, and after how many attempts."""
    failed = 0
    for number, how in enumerate(plan, 1):
        failed += how in ("again", "raise")
        if how == "done":
            return "done", number
        if how == "never" or failed > retries:
            return "failed", number
    return "later for ever", 0


@pytest.mark.parametrize("start", range(0, 100, 50))
def test_the_limits_hold_of_vms_that_move_before_they_start(
    start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_driving, "_FRESH", 0.0)  # every start asks where the VM is
    for seed in range(start, start + 50):
        driven(seed)


def test_a_look_asks_for_those_that_follow_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_driving, "_FRESH", 0.0)
    asked: list[list[str]] = []
    jobs = [ExportJob("vc", f"vm-{number}", "{vm}.ova") for number in range(8)]
    items = [
        Planned(Assignment(job, PLACE, job.target, job.vm, None), "vc", f"h{number % 2}")
        for number, job in enumerate(jobs)
    ]
    Driver(
        items,
        body=lambda assignment: assignment.outcome(state="done"),
        hands=Hands(None),
        inbox=queue.SimpleQueue(),
        rules=Rules(per_host=1),
        records=Records(),
        look_again=lambda some: asked.append([item.job.subject for item in some]),
    ).drive()
    assert sorted(asked[0]) == ["vm-0", "vm-1", "vm-2", "vm-3"]


@pytest.mark.parametrize("start", range(0, 100, 50))
def test_every_job_ends_once_within_the_limits_however_its_attempts_end(start: int) -> None:
    for seed in range(start, start + 50):
        driven(seed)
