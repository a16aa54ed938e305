"""What judges a soak: each of its checks can fail. `make soak` has the minutes."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
import time
from typing import Any

import pytest

from .soak.renewals import Renewals
from .soak.starting import watched
from .soak.verdict import MOST_GROWTH, MOST_MEMORY, Seen, missed

MIB = 1 << 20
KEPT = Seen(
    memory=[100 * MIB] * 30,
    peak=110 * MIB,
    renewed=30,
    late=0.2,
    front=0.0,
    ends={"verified": 9, "TruncatedError": 1},
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"strange": ["I4: 1 threads were left"]}, "threads were left"),
        ({"renewed": 0}, "no lease was renewed"),
        ({"late": 1.01}, "1.01 s late"),
        ({"late": 1.5, "front": 0.7}, "was 0.70 s late itself"),
        ({"peak": MOST_MEMORY + MIB}, "it held 161 MiB"),
        ({"memory": [MIB] * 20 + [2 * MIB + MOST_GROWTH] * 10}, "it grew by 9.0 MiB"),
        ({"memory": [MIB] * 8}, "tells no growth"),
        ({"held": ["lease-7"]}, "1 leases are still held"),
        ({"ends": {"TruncatedError": 3}}, "no lease was verified"),
        ({"ends": {"verified": 3}}, "nothing failed"),
        ({"status": -9}, "ended with -9"),
    ],
)
def test_each_promise_can_be_missed(change: dict[str, Any], says: str) -> None:
    assert missed(KEPT) == []
    [only] = missed(dataclasses.replace(KEPT, **change))
    assert says in only


def test_a_renewal_is_late_by_what_its_process_took() -> None:
    renewals = Renewals()
    renewals.learn(["10.0 Progress a", "10.5 answered a", "11.2 Progress a", "13.9 answered a"])
    assert renewals.latest == pytest.approx(0.2)
    renewals.learn(["14.0 Progress a", "14.1 refused a", "15.1 Progress a", "15.2 answered a"])
    assert renewals.latest == pytest.approx(0.2)  # 13.9 was the answer, and 14.1 a refusal
    renewals.learn(["18.0 Progress a", "18.1 late 0.4"])
    assert renewals.latest == pytest.approx(1.9)  # 16.1 was its time
    assert (renewals.count, renewals.front) == (5, 0.4)


def test_a_renewal_that_never_came_is_late_at_the_end_of_its_lease() -> None:
    renewals = Renewals()
    renewals.learn(["10.0 Progress a", "10.1 answered a", "14.0 Abort a", "14.1 answered a"])
    assert renewals.latest == pytest.approx(3.0)
    renewals.held(["a"], 20.0, 20.1)  # the server is as late with it as it likes
    assert renewals.latest == pytest.approx(3.0)


def test_a_refused_lease_may_be_over() -> None:
    renewals = Renewals()
    renewals.learn(["10.0 Progress a", "10.1 refused a", "19.0 Abort a"])
    assert renewals.latest == 0.0


def test_a_lease_that_is_held_and_not_renewed_is_late() -> None:
    renewals = Renewals()
    renewals.learn(["10.0 Progress a", "10.1 answered a"])
    renewals.held(["a", "b"], 11.5, 12.0)
    assert renewals.latest == pytest.approx(0.5)
    renewals.held(["b"], 15.0, 15.1)  # it was ready at 12.0 at the latest
    assert renewals.latest == pytest.approx(3.0)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="not run: what a process holds is read from /proc"
)
def test_a_process_that_stands_still_is_late() -> None:
    with watched(leases=4, seed=1) as watch:
        stop = threading.Timer(5.0, _stand_still, [watch.pid])
        stop.start()
        seen = watch.for_minutes(0.25)
        stop.join()
    assert seen.renewed > 10
    assert 1.5 < seen.late < 14.0
    assert any("late, not 1.0" in text for text in missed(seen))
    assert (seen.strange, seen.held, seen.status) == ([], [], 0)
    assert 0 < seen.peak < MOST_MEMORY


def _stand_still(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(3.5)
    os.kill(pid, signal.SIGCONT)
