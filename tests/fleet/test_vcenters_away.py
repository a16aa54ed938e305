"""A vCenter that is away, or refuses the login, when a run begins: the others' jobs are done."""

from __future__ import annotations

import pickle
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from nfclease import fleet
from nfclease.fleet import Failure
from nfclease.simulator import Simulator

from ..support.inventory import added_vms
from ..support.journals import states
from ..support.waiting import wait_for


class Door:
    """A way to log in that fails until it is opened, and counts who comes."""

    def __init__(self, simulator: Simulator, error: Exception) -> None:
        self._simulator, self._error = simulator, error
        self.opened = threading.Event()
        self.came = 0

    def __call__(self) -> Any:
        self.came += 1
        if not self.opened.is_set():
            raise self._error
        return self._simulator.connect()


@pytest.fixture
def door(second: Simulator) -> Door:
    """Of the session ``away``, refused at first."""
    made = Door(second, ConnectionRefusedError(111, "Connection refused"))
    fleet.register_session("away", made)
    return made


def job(session: str, vm: str, folder: Path, name: str = "{session}-{vm}.ova") -> fleet.ExportJob:
    return fleet.ExportJob(session, vm, f"{folder}/{name}")


def test_its_jobs_fail_and_the_others_are_done(lab: str, door: Door, tmp_path: Path) -> None:
    jobs = [job(name, "demo-vm", tmp_path) for name in (lab, "away")]
    with pytest.raises(fleet.FleetError, match="1 of 2 jobs failed") as raised:
        fleet.run(jobs, retries=1, retry_delay=0.01, journal=tmp_path / "night.db")
    [failed] = raised.value.failures
    assert failed.failure is not None
    assert failed.failure.reason.startswith("session away: ConnectionRefusedError: ")
    assert (failed.attempts, failed.failure.verdict, door.came) == (0, "again", 2)
    assert [each.state for each in raised.value.summary.done] == ["done"]
    assert sorted(states(tmp_path / "night.db").values()) == ["done", "failed"]


def test_it_comes_back_while_the_others_run(
    lab: str, door: Door, simulator: Simulator, tmp_path: Path
) -> None:
    """Its jobs have their hosts, targets and disks then, as if it had been there."""
    events: list[fleet.Event] = []
    progress = fleet.Progress()

    def listen(event: fleet.Event) -> None:
        events.append(event)
        progress(event)
        if event.kind == "ended":
            door.opened.set()

    jobs = [job(lab, "demo-vm", tmp_path), job("away", "demo-vm", tmp_path)]
    jobs.append(job("away", "no-such-vm", tmp_path))
    summary = fleet.run(
        jobs, retries=50, retry_delay=0.05, blocked_timeout=0, progress=listen, check=False
    )
    assert {Path(each.target).name for each in summary.done} == {
        "lab-demo-vm.ova",
        "away-demo-vm.ova",
    }
    [gone] = summary.failed
    assert (gone.vm, gone.failure and gone.failure.error) == ("no-such-vm", "NotFoundError")
    planned = [e for e in events if (e.kind, e.vcenter, e.vm) == ("planned", "away", "demo-vm")]
    assert [bool(each.host) for each in planned] == [False, True]
    waits = [event.reason for event in events if event.kind == "waiting" and event.reason]
    assert any("Connection refused; tried again in" in reason for reason in waits)
    assert (progress.jobs, progress.ended, progress.waiting) == (3, 3, 0)
    assert progress.bytes_total == progress.bytes == summary.bytes
    assert all(host.waiting == 0 and host.total >= 0 for host in progress.hosts.values())


def test_a_second_target_of_one_name_is_refused_when_it_is_back(
    lab: str, door: Door, tmp_path: Path
) -> None:
    """The first of the list is written already, and is not replaced."""
    jobs = [job("away", "demo-vm", tmp_path, "{vm}.ova"), job(lab, "demo-vm", tmp_path, "{vm}.ova")]
    threading.Timer(0.2, door.opened.set).start()
    summary = fleet.run(jobs, retries=50, retry_delay=0.05, check=False)
    assert [each.key.startswith("export lab") for each in summary.done] == [True]
    [failed] = summary.failed
    assert failed.failure is not None
    assert "is the target of demo-vm, too" in failed.failure.reason


def test_wrong_credentials_are_tried_once_for_all_its_jobs(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    """Each further try might lock the account."""
    wrong = fleet.SessionFrom(
        simulator.host, "somebody", lambda *_: "s3cret", simulator.port, simulator.ca_file
    )
    jobs: list[fleet.ExportJob] = [job(lab, "demo-vm", tmp_path)]
    jobs += [fleet.ExportJob(wrong, name, f"{tmp_path}/w-{{vm}}.ova") for name in ("a", "b", "c")]
    simulator.reset()
    summary = fleet.run(jobs, retry_delay=0.01, check=False)
    assert (len(summary.done), len(summary.failed)) == (1, 3)
    for each in summary.failed:
        assert each.failure is not None
        assert (each.failure.verdict, each.failure.error) == ("never", "vim.fault.InvalidLogin")
        assert each.failure.reason.startswith(f"{simulator.host}:{simulator.port}: ")
        assert "s3cret" not in repr(each)
    assert len(simulator.calls("Login")) == 2


def test_all_are_away(door: Door, tmp_path: Path) -> None:
    fleet.register_session("gone", Door(door._simulator, TimeoutError("timed out")))
    jobs = [job("away", "demo-vm", tmp_path), job("gone", "demo-vm", tmp_path)]
    with pytest.raises(fleet.FleetError, match="2 of 2 jobs failed") as raised:
        fleet.run(jobs, retries=0)
    said = str(raised.value.summary)
    assert "session away" in said
    assert "session gone" in said


def test_a_run_that_is_stopped_waits_for_no_login(
    lab: str, simulator: Simulator, tmp_path: Path
) -> None:
    """A server that takes connections and answers nothing may take minutes to fail."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, tries = silent.getsockname()[1], []

        def connect() -> Any:
            tries.append(port)
            if len(tries) == 1:
                raise ConnectionResetError(104, "Connection reset by peer")
            return simulator.connect(port=port)

        fleet.register_session("silent", connect)
        [vm] = added_vms(simulator, "stopped", 1)
        ended: list[fleet.Outcome] = []

        def stop(outcome: fleet.Outcome) -> None:
            ended.append(outcome)
            if outcome.state == "done":
                wait_for(lambda: len(tries) == 2)
                raise LookupError("mine")

        jobs = [job(lab, vm, tmp_path), job("silent", "demo-vm", tmp_path)]
        with pytest.raises(LookupError, match="mine"):
            fleet.run(jobs, retries=5, retry_delay=0.0, on_result=stop)
        assert [each.state for each in ended] == ["done", "cancelled"]


def test_a_plan_has_what_is_away_as_failures(lab: str, door: Door, tmp_path: Path) -> None:
    plan = fleet.plan([job(lab, "demo-vm", tmp_path), job("away", "demo-vm", tmp_path)])
    assert [each.failure is None for each in plan.jobs] == [True, False]
    [failed] = plan.failed
    assert failed.failure is not None
    assert failed.failure.reason.startswith("session away: ConnectionRefusedError: ")
    assert [host.vcenter for host in plan.hosts] == ["lab"]


def test_a_failure_pickles() -> None:
    failure = Failure("again", "no", "StallError", files_left=("/backup/a.part",), bytes_done=7)
    assert pickle.loads(pickle.dumps(failure)) == failure
