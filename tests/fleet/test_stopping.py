"""A run that is stopped: every lease aborted, nothing new begun, no partial file."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from nfclease import HttpNfcLease, fleet
from nfclease.simulator import Simulator

from ..support.inventory import connected, demo_vm_of, unique
from ..support.leases import endings
from ..support.waiting import wait_for
from .script import Script, is_moving

SIMULATOR = {"disk_size": 4 << 20}
ABORTED = ["HttpNfcLeaseAbort", "HttpNfcLeaseAbort"]


@pytest.fixture
def slow_vms(simulator: Simulator) -> list[str]:
    """Four VMs whose disks would take minutes."""
    names = [unique("slow") for _ in range(4)]
    for name in names:
        simulator.add_vm(name, disks=1)
    simulator.inject("bandwidth", bytes_per_second=20_000)
    return names


@pytest.mark.parametrize(
    ("how", "number", "code"),
    [
        ("threads", signal.SIGINT, -signal.SIGINT),
        ("threads", signal.SIGTERM, 128 + signal.SIGTERM),
        ("threads", signal.SIGHUP, 128 + signal.SIGHUP),
        ("handler", signal.SIGTERM, 1),
        ("processes", signal.SIGTERM, 128 + signal.SIGTERM),
        ("processes", signal.SIGINT, -signal.SIGINT),
    ],
)
def test_a_signal_ends_every_export_in_an_abort(
    simulator: Simulator,
    slow_vms: list[str],
    tmp_path: Path,
    how: str,
    number: signal.Signals,
    code: int,
) -> None:
    script = Script(how, simulator, tmp_path / "out", slow_vms)
    wait_for(lambda: is_moving(simulator, 2), 60)
    sent = time.monotonic()
    script.process.send_signal(number)
    out, error = script.end()
    assert time.monotonic() - sent < 30  # 10 s, on a machine that does nothing else
    assert out.splitlines()[-1] == "states cancelled cancelled cancelled cancelled", error
    assert out.count("started") == 2
    assert script.process.returncode == code, error
    wait_for(lambda: endings(simulator) == ABORTED)
    assert len(simulator.calls("ExportVm")) == 2
    assert [each for each in (tmp_path / "out").rglob("*")] == []
    assert len(simulator.calls("Logout")) == len(simulator.calls("Login"))


def test_an_error_of_a_listener_stops_the_run_and_is_raised(
    simulator: Simulator, lab: str, slow_vms: list[str], tmp_path: Path
) -> None:
    def fails(event: fleet.Event) -> None:
        if event.kind == "moved":
            raise ZeroDivisionError("mine")

    jobs = [fleet.ExportJob(lab, vm, f"{tmp_path}/{{vm}}.ova") for vm in slow_vms]
    with pytest.raises(ZeroDivisionError, match="mine"):
        fleet.run(jobs, per_host=2, progress=fails)
    assert endings(simulator) == ABORTED
    assert [*tmp_path.iterdir()] == []


def test_other_leases_of_the_process_go_on(
    simulator: Simulator, lab: str, slow_vms: list[str], tmp_path: Path
) -> None:
    def fails(event: fleet.Event) -> None:
        if event.kind == "moved":
            raise ZeroDivisionError("mine")

    for service in connected(simulator):
        with HttpNfcLease(demo_vm_of(service).ExportVm()) as lease:
            lease.wait_ready(10)
            job = fleet.ExportJob(lab, slow_vms[0], f"{tmp_path}/{{vm}}.ova")
            with pytest.raises(ZeroDivisionError):
                fleet.run([job], progress=fails)
            assert endings(simulator) == ["HttpNfcLeaseAbort"]
            assert lease.state == "ready"


def test_a_second_signal_does_not_wait(
    simulator: Simulator, slow_vms: list[str], tmp_path: Path
) -> None:
    """Of a server that answers no Abort."""
    script = Script("threads", simulator, tmp_path / "out", slow_vms)
    wait_for(lambda: is_moving(simulator, 2), 60)
    simulator.inject("soap_delay", method="HttpNfcLeaseAbort", seconds=None)
    script.process.send_signal(signal.SIGTERM)
    next(script.lines("stopping"))
    wait_for(lambda: endings(simulator))
    script.process.send_signal(signal.SIGINT)
    assert next(script.lines("states")) == "states\n"  # nobody waited for an outcome
    script.end()
    assert script.process.returncode == -signal.SIGINT
