"""Ctrl-C, SIGTERM and SIGHUP at every moment of an export: nothing is left, here or there."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.leases import endings, methods
from .interrupting import SIGNALS, Interrupting, check_said, spread
from .moments import ENTRY, Moment, answered, call, initializing, moved, task

ABORT, COMPLETE = "HttpNfcLeaseAbort", "HttpNfcLeaseComplete"
#: Moments of an export before and after it has a lease.
WITHOUT_A_LEASE = [*ENTRY, task("CreateSnapshot_Task", settles=True)]
WITH_A_LEASE = [
    call("ExportSnapshot", "while the lease is opened", settles=True),
    initializing("ExportSnapshot"),
    moved("disk-0", 0, "before the first byte"),
    call("HttpNfcLeaseGetManifest"),
    call("CreateDescriptor"),
]
MIDDLE = moved("disk-1", 70_000, "in the middle of a disk")
MOMENTS = [*WITHOUT_A_LEASE, *WITH_A_LEASE]
WITH_A_LEASE.append(MIDDLE)


def arguments(target: Path) -> list[str | Path]:
    return ["export", "/DC0/vm/runs", "-o", target, "--snapshot", "--quiet"]


def check_nothing_left(simulator: Simulator, vm: Any, folder: Path) -> None:
    """No file, no snapshot, no session, no lease that holds the VM."""
    assert list(folder.iterdir()) == []
    assert vm.snapshot is None
    assert {lease["state"] for lease in simulator.leases()} <= {"error"}
    logged_in = answered(simulator, "Login")
    assert methods(simulator, "Logout") == ["Logout"] * logged_in


@pytest.mark.parametrize(
    ("moment", "number"), [*spread(MOMENTS), *spread([MIDDLE, MIDDLE, MIDDLE])]
)
def test_a_signal(
    interrupting: Interrupting,
    simulator: Simulator,
    running_vm: Any,
    folder: Path,
    moment: Moment,
    number: int,
) -> None:
    target = folder / ("out.ova" if number == signal.SIGTERM else "out")
    done = interrupting.at(moment, number, *arguments(target))
    check_said(done, SIGNALS[number])
    assert endings(simulator) == [ABORT] * (moment in WITH_A_LEASE)
    check_nothing_left(simulator, running_vm, folder)


def test_a_signal_during_complete(
    interrupting: Interrupting, simulator: Simulator, running_vm: Any, folder: Path
) -> None:
    """The server has the lease's end already: no Abort after it, and no package either."""
    moment = call(COMPLETE, settles=True)
    done = interrupting.at(moment, signal.SIGTERM, *arguments(folder / "out"))
    check_said(done, SIGNALS[signal.SIGTERM])
    assert endings(simulator) == [COMPLETE]
    assert {lease["state"] for lease in simulator.leases()} == {"done"}
    assert list(folder.iterdir()) == []
    assert running_vm.snapshot is None


@pytest.mark.parametrize(
    ("moment", "number"),
    spread(
        [
            call("RemoveSnapshot_Task", settles=True),
            task("RemoveSnapshot_Task", settles=True),
            call("Logout"),
        ]
    ),
)
def test_a_signal_after_the_package_is_there(
    interrupting: Interrupting,
    simulator: Simulator,
    running_vm: Any,
    folder: Path,
    moment: Moment,
    number: int,
) -> None:
    """It stays: all of it is verified."""
    done = interrupting.at(moment, number, *arguments(folder / "out.ova"))
    assert done.code == SIGNALS[number]
    assert "Traceback" not in done.stderr
    assert endings(simulator) == [COMPLETE]
    assert running_vm.snapshot is None
    assert [path.name for path in folder.iterdir()] == ["out.ova"]
    assert verify(folder / "out.ova").ok


@pytest.mark.parametrize(
    ("method", "second"), [(ABORT, signal.SIGINT), ("RemoveSnapshot_Task", signal.SIGTERM)]
)
def test_a_second_signal_does_not_cut_the_clean_up_short(
    interrupting: Interrupting,
    simulator: Simulator,
    running_vm: Any,
    folder: Path,
    method: str,
    second: int,
) -> None:
    MIDDLE.hold(simulator)
    held = simulator.inject("soap_delay", method=method, seconds=None)
    process = interrupting.start(*arguments(folder / "out.ova"))
    interrupting.until(MIDDLE)
    process.send_signal(signal.SIGINT)
    interrupting.until(call(method))
    for count in range(1, 4):
        process.send_signal(second)
        interrupting.wait_for(partial(interrupting.has_said, count))
    simulator.clear(held)
    done = interrupting.ended()
    assert done.code == SIGNALS[signal.SIGINT]
    *still, _ = done.stderr.splitlines()
    assert len(still) == 3
    assert all(line.startswith("nfclease: still cleaning up") for line in still)
    assert endings(simulator) == [ABORT]
    check_nothing_left(simulator, running_vm, folder)


@pytest.mark.parametrize(
    "moment", [MIDDLE, call("CreateDescriptor")], ids=lambda moment: moment.name
)
def test_all_signals_at_once(
    interrupting: Interrupting, simulator: Simulator, running_vm: Any, folder: Path, moment: Moment
) -> None:
    """As when a service manager ends a session."""
    moment.hold(simulator)
    process = interrupting.start(*arguments(folder / "out"))
    interrupting.until(moment)
    for number in SIGNALS:
        process.send_signal(number)
    done = interrupting.ended()
    simulator.clear()
    assert done.code in SIGNALS.values()
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if "still cleaning up" not in line] == [
        f"nfclease: ended by {signal.Signals(done.code - 128).name}"
    ]
    assert endings(simulator) == [ABORT]
    check_nothing_left(simulator, running_vm, folder)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_was_ignored_at_the_start_stays_so(
    interrupting: Interrupting, simulator: Simulator, running_vm: Any, folder: Path, number: int
) -> None:
    """As after nohup, and as in a shell's background job."""
    moment = call("CreateDescriptor")
    moment.hold(simulator)
    process = interrupting.start(*arguments(folder / "out.ova"), ignores=[number])
    interrupting.until(moment)
    process.send_signal(number)
    simulator.clear()
    done = interrupting.ended()
    assert (done.code, done.stderr) == (0, "")
    assert endings(simulator) == [COMPLETE]
    assert [path.name for path in folder.iterdir()] == ["out.ova"]
