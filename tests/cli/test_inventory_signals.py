"""Ctrl-C, SIGTERM and SIGHUP at commands that read the inventory, or cancel one task."""

from __future__ import annotations

import signal

import pytest

from nfclease.simulator import Simulator

from ..support.leases import methods
from .interrupting import SIGNALS, Interrupting, check_said, spread
from .moments import ENTRY, Moment, answered, call


@pytest.mark.parametrize("command", ["ls", "leases"])
@pytest.mark.parametrize(("moment", "number"), spread(ENTRY))
def test_what_only_reads(
    interrupting: Interrupting, simulator: Simulator, moment: Moment, number: int, command: str
) -> None:
    done = interrupting.at(moment, number, command)
    check_said(done, SIGNALS[number])
    assert methods(simulator, "Logout") == ["Logout"] * answered(simulator, "Login")


def test_a_release(interrupting: Interrupting, simulator: Simulator) -> None:
    moment = call("CancelTask")
    moment.hold(simulator)
    simulator.hold_vm("demo-vm")
    process = interrupting.start("release", "demo-vm", "--yes")
    interrupting.until(moment)
    process.send_signal(signal.SIGTERM)
    check_said(interrupting.ended(), SIGNALS[signal.SIGTERM])
    assert methods(simulator, "CancelTask", "Logout") == ["CancelTask", "Logout"]
