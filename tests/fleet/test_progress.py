"""The sums of a run's events, and the lines that are made of them."""

from __future__ import annotations

import io
import random

import pytest

from nfclease.fleet import Event, Failure, Lines, Outcome, Progress

STATES = ("done", "skipped", "failed", "cancelled")


class Made:
    """Events of jobs that wait, start, move, fail and end, in an order that a run may have."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.at = 1000.0
        self.events: list[Event] = []
        self.ends: dict[str, tuple[str, int]] = {}

    def tell(self, kind: str, number: int, **more: object) -> None:
        self.at += self.chance.random()
        host = f"h{number % 3}"
        place = {"key": f"job-{number}", "vm": f"vm-{number}", "host": host, "vcenter": "vc"}
        values = {**place, "disks": number % 4, "total": 1000 * (number % 5), **more}
        self.events.append(Event(kind, self.at, **values))  # type: ignore[arg-type]

    def run(self, count: int) -> None:
        for number in range(count):
            self.tell("planned", number)
        left = list(range(count))
        running: set[int] = set()
        while left:
            number = self.chance.choice(left)
            how = self.chance.choice(("waiting", "started", "moved", "moved", "ended"))
            if how == "moved" and number in running:
                self.tell("moved", number, bytes=self.chance.randint(0, 5000))
            elif how == "started":
                running.add(number)
                self.tell("started", number, host=f"h{self.chance.randrange(4)}")  # vMotion
            elif how == "waiting":
                running.discard(number)
                self.tell("waiting", number, reason="host h: 2 of 2 disks")
            elif how == "ended":
                self.end(number)
                left.remove(number)

    def end(self, number: int) -> None:
        state = self.chance.choice(STATES)
        count = self.chance.randint(0, 5000) if state == "done" else 0
        failure = Failure("never", "no room", "OSError") if state == "failed" else None
        made = Outcome(
            f"job-{number}",
            "export",
            f"vm-{number}",
            "x.ova",
            state,  # type: ignore[arg-type]
            bytes=count,
            failure=failure,
        )
        self.ends[made.key] = state, count
        reason = "no room" if failure else ""
        self.tell("ended", number, bytes=count, outcome=made, reason=reason)


@pytest.mark.parametrize("seed", range(30))
def test_any_run_adds_up(seed: int) -> None:
    made = Made(seed)
    made.run(made.chance.randint(1, 40))
    progress = Progress()
    for event in made.events:
        progress(event)
        assert progress.ended + progress.waiting + len(progress.running) == progress.jobs or (
            event.kind == "planned"
        )
        assert progress.bytes >= 0
        assert progress.bytes_per_second >= 0
        assert progress.seconds_left is None or progress.seconds_left >= 0
        hosts = progress.hosts.values()
        assert sum(host.running for host in hosts) == len(progress.running)
        assert sum(host.waiting for host in hosts) == progress.waiting
        assert sum(host.bytes for host in hosts) == progress.bytes
        assert sum(host.total for host in hosts) == progress.bytes_total
        assert all(bool(host.reason) <= bool(host.waiting) for host in hosts)
        assert all(min(host.running, host.waiting, host.disks) >= 0 for host in hosts)
    states = [state for state, _ in made.ends.values()]
    assert [getattr(progress, state) for state in STATES] == [states.count(s) for s in STATES]
    assert progress.bytes == progress.bytes_total == sum(count for _, count in made.ends.values())
    assert not progress.running
    assert progress.waiting == 0
    assert progress._left == progress._unknown == 0
    assert all(not host.disks for host in progress.hosts.values())


def test_the_rate_is_that_of_the_last_minute_and_bytes_of_a_failed_attempt_do_not_stay() -> None:
    progress = Progress()
    job = {"key": "a", "vm": "web", "host": "esx1", "vcenter": "vc", "disks": 1, "total": 100_000}
    progress(Event("planned", 0.0, **job))  # type: ignore[arg-type]
    assert progress.seconds_left is None
    progress(Event("started", 0.0, **job))  # type: ignore[arg-type]
    for second in range(200):
        progress(Event("moved", float(second), bytes=100 * second, **job))  # type: ignore[arg-type]
    assert progress.bytes_per_second == pytest.approx(100.0)
    assert progress.hosts["vc", "esx1"].bytes_per_second == pytest.approx(100.0)
    assert progress.seconds_left == pytest.approx((100_000 - 19_900) / 100)
    progress(Event("waiting", 500.0, reason="lost; tried again", **job))  # type: ignore[arg-type]
    assert progress.bytes == 0
    assert progress.bytes_per_second == 0.0
    assert progress.seconds_left is None


def test_a_host_that_stalls_has_no_rate_and_jobs_too_short_to_tell_of_bytes_have_one() -> None:
    progress = Progress()
    for host in ("slow", "fast"):
        job = {"key": host, "vm": host, "host": host, "vcenter": "vc", "total": 10**6}
        progress(Event("planned", 0.0, **job))  # type: ignore[arg-type]
        progress(Event("started", 0.0, **job))  # type: ignore[arg-type]
        progress(Event("moved", 1.0, bytes=10, **job))  # type: ignore[arg-type]
        progress(Event("moved", 2.0, bytes=20, **job))  # type: ignore[arg-type]
    assert progress.hosts["vc", "slow"].bytes_per_second == 10.0
    for second in range(3, 100):
        progress(Event("moved", float(second), bytes=10 * second, **job))  # type: ignore[arg-type]
    assert progress.hosts["vc", "slow"].bytes_per_second == 0.0
    assert progress.hosts["vc", "fast"].bytes_per_second == 10.0

    progress = Progress()
    for second in range(10):
        short = {"key": str(second), "vm": "web", "host": "esx1", "vcenter": "vc", "total": 1000}
        end = Outcome(str(second), "export", "web", "x.ova", "done", bytes=500)
        progress(Event("planned", float(second), **short))  # type: ignore[arg-type]
        progress(Event("started", float(second), **short))  # type: ignore[arg-type]
        progress(Event("ended", float(second), bytes=500, outcome=end, **short))  # type: ignore[arg-type]
    assert progress.bytes_per_second == progress.hosts["vc", "esx1"].bytes_per_second == 500.0


def test_a_line_for_each_change_and_the_sums_at_the_end() -> None:
    made, text = Made(3), io.StringIO()
    made.tell("planned", 1)
    made.tell("waiting", 1, reason="host h1: 2 of 2 disks")
    made.tell("started", 1)
    made.tell("moved", 1, bytes=100)
    failure = Failure("never", "no room on \x1b[31m/backup", "OSError")
    failed = Outcome("job-1", "export", "vm-1", "x.ova", "failed", failure=failure)
    made.tell("ended", 1, outcome=failed, reason=failure.reason)
    lines = Lines(text)
    for event in made.events:
        lines(event)
    assert text.getvalue().splitlines() == [
        "vm-1: waits, host h1: 2 of 2 disks",
        "vm-1: started on h1",
        "vm-1: failed (never), no room on \\x1b[31m/backup",
        "total: 1 of 1 jobs, 1 failed, 0.0 kB",
    ]
