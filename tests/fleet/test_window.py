"""What the window lets start: made-up jobs, the limits never exceeded, everyone gets a turn."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from nfclease.fleet.window import Window


@dataclass(eq=False)
class Job:
    host: str
    disks: int = 1
    bytes: int = 0
    vcenter: str = "vc"

    @property
    def host_name(self) -> str:
        return self.host


def taken(window: Window) -> list[Job]:
    """All that may start now."""
    found: list[Job] = []
    while (job := window.take()) is not None:
        assert isinstance(job, Job)
        found.append(job)
    return found


def test_the_longest_of_a_host_starts_first_and_equal_ones_in_order() -> None:
    window = Window(2, 48)
    jobs = [Job("a", bytes=1), Job("a", bytes=3), Job("a", bytes=3), Job("a", bytes=2)]
    for job in jobs:
        window.add(job)
    assert taken(window) == [jobs[1], jobs[2]]
    window.end(jobs[2])
    assert taken(window) == [jobs[3]]


def test_a_vm_with_more_disks_than_the_limit_runs_alone() -> None:
    window = Window(4, 48)
    big, small = Job("a", disks=9, bytes=5), Job("a", bytes=9)
    window.add(big)
    window.add(small)
    other = Job("a", bytes=1)
    window.add(other)
    assert taken(window) == [small]  # the big one is next, and nobody passes it
    assert dict(window.held()) == {big: "host a: 1 of 4 disks"}
    window.end(small)
    assert taken(window) == [big]
    window.end(big)
    assert taken(window) == [other]


def test_the_next_of_a_host_starts_when_one_of_it_ends_whatever_the_order_of_the_list() -> None:
    window = Window(2, 48)
    for name in "abcdefghij":
        for _ in range(40):
            window.add(Job(name))
    running = taken(window)
    assert Counter(job.host for job in running) == dict.fromkeys("abcdefghij", 2)
    window.end(running[7])
    assert [job.host for job in taken(window)] == [running[7].host]


def test_a_large_one_gets_its_turn_at_a_busy_vcenter() -> None:
    window = Window(8, 4)
    first = [Job(name) for name in "abcd"]
    for job in first:
        window.add(job)
    assert taken(window) == first
    large = Job("a", disks=4)
    window.add(large)
    for name in "bcd":
        window.add(Job(name))
    for job in first[:3]:
        window.end(job)
        assert large not in taken(window)
    window.end(first[3])
    rest = taken(window)
    assert large in rest or len(rest) == 3
    for job in rest:
        window.end(job)
    assert large in [*rest, *taken(window)]


def test_one_that_moved_is_counted_where_it_is() -> None:
    window = Window(1, 48)
    job = Job("a")
    window.add(job)
    assert taken(window) == [job]
    window.end(job)
    job.host = "b"
    window.add(job)
    assert taken(window) == [job]
    window.add(Job("b"))
    window.add(Job("a"))
    assert [each.host for each in taken(window)] == ["a"]


def test_those_that_follow_are_the_first_of_each_queue() -> None:
    window = Window(1, 48)
    jobs = [Job(host, bytes=size) for host in "ab" for size in (1, 3, 2)]
    for job in jobs:
        window.add(job)
    begun = taken(window)
    assert [(job.host, job.bytes) for job in window.following(2)] == [("a", 2), ("b", 2)]
    assert len(window.following(3)) == 4
    assert window.host_of(begun[0]) == "a"
    window.clear()
    assert window.following(5) == []


def played(seed: int) -> None:
    """A run of made-up jobs, in a made-up order of their ends, some of them with a second try."""
    chance = random.Random(seed)
    per_host, per_vcenter = chance.randint(1, 9), chance.randint(1, 20)
    window = Window(per_host, per_vcenter)
    jobs = [
        Job(
            f"h{chance.randint(1, 6)}",
            disks=chance.choice([0, 1, 1, 2, 3, 12, 40]),
            bytes=chance.randint(0, 5),
            vcenter=f"v{chance.randint(1, 2)}",
        )
        for _ in range(chance.randint(0, 60))
    ]
    for job in jobs:
        window.add(job)
    running: list[tuple[Job, str]] = []
    ended: Counter[Job] = Counter()
    while len(window) or running:
        for job in taken(window):
            if chance.random() < 0.1:  # it has moved: it goes back in line
                window.end(job)
                job.host = f"h{chance.randint(1, 6)}"
                window.add(job)
            else:
                running.append((job, job.host))
        check(running, per_host, per_vcenter, seed)
        if not running:
            continue
        job, _ = running.pop(chance.randrange(len(running)))
        window.end(job)
        if chance.random() < 0.2:
            window.add(job)
        else:
            ended[job] += 1
    assert ended == dict.fromkeys(jobs, 1), seed


def check(running: list[tuple[Job, str]], per_host: int, per_vcenter: int, seed: int) -> None:
    for most, place in (
        (per_host, lambda j, h: (j.vcenter, h)),
        (per_vcenter, lambda j, h: j.vcenter),
    ):
        sums: Counter[object] = Counter()
        counts: Counter[object] = Counter()
        for job, host in running:
            sums[place(job, host)] += max(job.disks, 1)
            counts[place(job, host)] += 1
        assert all(total <= most or counts[at] == 1 for at, total in sums.items()), seed


@pytest.mark.parametrize("start", range(0, 1000, 250))
def test_no_limit_is_exceeded_and_every_job_ends_once(start: int) -> None:
    for seed in range(start, start + 250):
        played(seed)
