"""How runs log in: once for a process, again when a session has expired, and no secret is told."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import GetSi, SetSi

from nfclease import fleet, verify
from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.waiting import wait_for
from .conftest import VARIABLE


def small_vms(simulator: Simulator, count: int) -> list[str]:
    names = [unique("small") for _ in range(count)]
    for name in names:
        simulator.add_vm(name, disks=1, disk_size=1 << 12, nvram=False)
    return names


def jobs_of(session: Any, vms: list[str], directory: Path) -> list[Any]:
    return [fleet.ExportJob(session, vm, f"{directory}/{{vm}}.ova") for vm in vms]


def test_many_vms_on_four_threads_need_one_login(
    simulator: Simulator, plain: fleet.SessionFrom, tmp_path: Path
) -> None:
    SetSi("the script's own")
    with ThreadPoolExecutor(4) as pool:
        summary = fleet.run(
            jobs_of(plain, small_vms(simulator, 40), tmp_path), executor=pool, per_host=48
        )
    assert len(summary.done) == 40
    assert (len(simulator.calls("Login")), len(simulator.calls("Logout"))) == (1, 1)
    assert GetSi() == "the script's own"
    SetSi(None)


def test_worker_processes_log_in_once_each_and_out_again(
    simulator: Simulator, plain: fleet.SessionFrom, tmp_path: Path
) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        summary = fleet.run(jobs_of(plain, small_vms(simulator, 12), tmp_path), executor=pool)
        assert len(summary.done) == 12
        logins = len(simulator.calls("Login"))
        assert 2 <= logins <= 3  # one is that of the plan; a worker may be too late for any job
        wait_for(lambda: len(simulator.calls("Logout")) == logins)  # the pool lives on


def test_a_session_that_expires_between_jobs_logs_in_again(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    def expire(outcome: fleet.Outcome) -> None:
        if len(simulator.calls("Login")) == 1:
            session = simulator.connect()
            manager = session.content.sessionManager
            own = manager.currentSession.key
            manager.TerminateSession([each.key for each in manager.sessionList if each.key != own])
            manager.Logout()

    summary = fleet.run(
        jobs_of(lab, small_vms(simulator, 4), tmp_path), per_host=1, on_result=expire
    )
    assert [(each.state, each.attempts) for each in summary.outcomes][2:] == [("done", 1)] * 2
    assert len(summary.done) == 4
    assert len(simulator.calls("Login")) == 3  # one is the test's


def test_a_session_that_expires_in_the_middle_of_exports_logs_in_again(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    """Its leases end with it: both exports are tried again, and the one that waited is not."""
    vms = small_vms(simulator, 3)
    simulator.inject("bandwidth", bytes_per_second=2_000)
    moving: set[str] = set()

    def expire(event: fleet.Event) -> None:
        if event.kind == "moved" and len(moving) < 2:
            moving.add(event.vm)
        if len(moving) == 2 and len(simulator.calls("Login")) == 1:
            session = simulator.connect()
            manager = session.content.sessionManager
            own = manager.currentSession.key
            manager.TerminateSession([each.key for each in manager.sessionList if each.key != own])
            manager.Logout()
            simulator.clear()

    summary = fleet.run(
        jobs_of(lab, vms, tmp_path), per_host=2, retry_delay=0.2, progress=expire, check=False
    )
    assert {each.vm for each in summary.done} == {*vms}, str(summary)
    assert {each.vm for each in summary.done if each.attempts == 2} == moving
    assert all(verify(each.target) for each in summary.done)
    assert len(simulator.calls("Login")) == 3  # one is the test's
    assert len(simulator.calls("HttpNfcLeaseComplete")) == 3


def test_a_name_that_nobody_registered_is_refused_before_any_job(tmp_path: Path) -> None:
    with pytest.raises(fleet.SessionSourceError, match=r"no session is registered as 'nowhere'"):
        fleet.run(jobs_of("nowhere", ["a"], tmp_path))


def test_a_function_of_the_script_cannot_go_to_another_process(
    simulator: Simulator, tmp_path: Path
) -> None:
    fleet.register_session("mine", lambda: simulator.connect())
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        [failed] = fleet.run(
            jobs_of("mine", small_vms(simulator, 1), tmp_path), executor=pool, check=False
        ).failed
    assert failed.failure is not None
    assert "does not know the session 'mine'" in failed.failure.reason


def from_environment() -> Any:
    """A factory that worker processes import."""
    host, port, user, ca_file = os.environ["FLEET_TEST_WHERE"].split("|")
    return fleet.SessionFrom(host, user, VARIABLE, port=int(port), ca_file=ca_file).open()


def test_a_function_that_can_be_imported_can(
    simulator: Simulator,
    plain: fleet.SessionFrom,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    where = [simulator.host, str(simulator.port), simulator.user, str(simulator.ca_file)]
    monkeypatch.setenv("FLEET_TEST_WHERE", "|".join(where))
    fleet.register_session("imported", from_environment)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        vms = small_vms(simulator, 1)
        assert len(fleet.run(jobs_of("imported", vms, tmp_path), executor=pool).done) == 1


def test_a_thumbprint_and_a_function_for_the_password(
    simulator: Simulator, plain: fleet.SessionFrom, tmp_path: Path
) -> None:
    asked = []

    def password(host: str, user: str) -> str:
        asked.append((host, user))
        return simulator.password

    source = replace(
        plain, password_from=password, ca_file=None, thumbprint=simulator.thumbprint_sha1
    )
    assert len(fleet.run(jobs_of(source, small_vms(simulator, 1), tmp_path)).done) == 1
    assert asked == [(simulator.host, simulator.user)]


def test_what_is_wrong_with_a_login_is_said_without_the_password(
    simulator: Simulator,
    plain: fleet.SessionFrom,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def said(source: fleet.SessionFrom) -> str:
        with pytest.raises(fleet.FleetError) as raised:
            fleet.run(jobs_of(source, ["a"], tmp_path))
        [failed] = raised.value.failures
        assert failed.failure is not None
        assert failed.failure.verdict == "never"
        assert "wrong-secret" not in repr(raised.value.summary)
        return failed.reason

    assert "certificate verify failed" in said(replace(plain, ca_file=None))
    monkeypatch.setenv(VARIABLE, "wrong-secret")
    assert "(InvalidLogin)" in said(plain)
    monkeypatch.delenv(VARIABLE)
    # Nor is the name of the variable said: somebody may have put the password itself there.
    assert "no password for" in (missing := said(plain))
    assert VARIABLE not in missing
    with pytest.raises(ValueError, match="password_from must be") as odd:
        fleet.SessionFrom("vc", "me", "pass word!")
    assert "pass word!" not in str(odd.value)


def test_no_job_has_a_password(simulator: Simulator, plain: fleet.SessionFrom) -> None:
    secret = {"properties": {"vami.password.vm": "p4ss"}}
    job = fleet.ImportJob(plain, "a.ova", "Resources", options=secret)
    assert simulator.password.encode() not in pickle.dumps(job)
    assert "p4ss" not in f"{job!r} {job.key} {job.settings()}"
    assert pickle.loads(pickle.dumps(job)) == job
