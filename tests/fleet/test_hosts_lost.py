"""A host that dies in the middle of a run: its jobs are tried again, the others do not notice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import GetSi, SetSi

from nfclease import fleet, verify
from nfclease.fleet import Journal, _looking, sessions
from nfclease.simulator import Simulator

from ..support.esx_hosts import EsxHost
from ..support.inventory import unique
from ..support.journals import states
from ..support.waiting import wait_for


@pytest.fixture
def hosts() -> Iterator[list[EsxHost]]:
    """Two hosts; the first one is killed."""
    made = [EsxHost(unique("lost"), vms=3), EsxHost(unique("other"), vms=3)]
    yield made
    for host in made:
        host.stop()


class Killing:
    """Kills a host when two of its exports move, and starts it when its jobs have failed."""

    def __init__(self, host: EsxHost, *, comes_back: bool) -> None:
        self.host, self._comes_back = host, comes_back
        self.killed = False
        #: What the jobs of each session waited for, once they had failed.
        self.delayed: list[tuple[str, str]] = []
        self._moving: set[str] = set()

    def __call__(self, event: fleet.Event) -> None:
        """Listens to a run."""
        if event.kind == "waiting" and "tried again in" in event.reason:
            if not self.delayed and self._comes_back:
                self.host.come_back()
            self.delayed.append((event.vcenter, event.reason))
        if event.kind == "moved" and event.vcenter == self.host.name and not self.killed:
            self._moving.add(event.vm)
            if len(self._moving) == 2:
                self.killed = True
                self.host.kill()


def run(hosts: list[EsxHost], directory: Path, **options: object) -> fleet.Summary:
    jobs = [job for host in hosts for job in host.jobs(directory)]
    given = {"per_host": 2, "retry_delay": 0.5, "check": False, **options}
    return fleet.run(jobs, journal=directory / "nightly.db", **given)  # type: ignore[arg-type]


def replayed(path: Path) -> dict[str, list[tuple[str, int]]]:
    """By key, how each job ended in each run, as the journal has it."""
    found: dict[str, list[tuple[str, int]]] = {}
    with Journal(path) as journal:
        assert journal.interrupted() == []
        for each in journal.outcomes():
            found.setdefault(each.key, []).append((each.state, each.attempts))
    return found


def test_a_host_that_is_killed_and_comes_back(hosts: list[EsxHost], tmp_path: Path) -> None:
    lost, other = hosts
    lost.slow(60_000)
    killing = Killing(lost, comes_back=True)
    # A busy machine may take a host seconds to start.
    summary = run(hosts, tmp_path, progress=killing, retries=6)
    assert killing.killed
    assert len(summary.done) == 6, str(summary)
    assert all(verify(each.target) for each in summary.done)
    attempts = {each.vm: each.attempts for each in summary.done}
    assert {attempts[vm] for vm in other.vms} == {1}
    assert sorted(attempts[vm] > 1 for vm in lost.vms)[-2:] == [True, True]
    assert {vcenter for vcenter, _ in killing.delayed} == {lost.name}
    assert all(f"{lost.simulator.host}:" in reason for _, reason in killing.delayed)
    assert len(other.simulator.calls("ExportVm")) == 3
    assert len(other.simulator.calls("HttpNfcLeaseComplete")) == 3
    ended = {each.key: [("done", each.attempts)] for each in summary.done}
    assert replayed(tmp_path / "nightly.db") == ended


def test_a_host_that_is_killed_and_stays_away(hosts: list[EsxHost], tmp_path: Path) -> None:
    lost, other = hosts
    lost.slow(60_000)
    summary = run(hosts, tmp_path, progress=Killing(lost, comes_back=False), retries=1)
    assert {each.vm for each in summary.done} == {*other.vms}
    assert {each.attempts for each in summary.done} == {1}
    assert {each.vm for each in summary.failed} == {*lost.vms}
    for each in summary.failed:
        assert each.failure is not None
        assert each.failure.verdict == "again"
        assert lost.address in each.failure.reason, each.failure.reason
        assert each.attempts == 2
    packages = {path.name for path in tmp_path.iterdir() if not path.name.startswith("nightly")}
    assert packages == {f"{vm}.ova" for vm in other.vms}
    lost.come_back()
    again = run(hosts, tmp_path)
    assert {each.vm for each in again.done} == {*lost.vms}
    assert {each.vm for each in again.skipped} == {*other.vms}
    assert {*states(tmp_path / "nightly.db").values()} == {"done"}
    found = replayed(tmp_path / "nightly.db")
    for job in lost.jobs(tmp_path):
        assert found[job.key] == [("failed", 2), ("done", 1)]


def test_a_host_that_answers_nothing_holds_no_other_up(
    hosts: list[EsxHost], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on when all jobs of the other one are done, which start one after the other."""
    monkeypatch.setattr(_looking, "_PATIENCE", 1.0)
    held, other = hosts
    for host in hosts:
        host.slow(100_000)
    waiting = {*other.vms}
    is_held = False

    def listen(event: fleet.Event) -> None:
        nonlocal is_held
        if event.kind == "ended" and event.vcenter == held.name and not is_held:
            is_held = True
            held.hold()  # its next job is about to start
        if event.kind == "ended" and event.vm in waiting:
            waiting.discard(event.vm)
            if not waiting:
                held.go_on()

    summary = run(hosts, tmp_path, per_host=1, retries=9, progress=listen)
    assert is_held
    assert len(summary.done) == 6, str(summary)
    assert {each.attempts for each in summary.done if each.vm in other.vms} == {1}
    assert all(verify(each.target) for each in summary.done)


def test_a_session_does_not_wait_for_ever(
    simulator: Simulator, plain: fleet.SessionFrom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_PATIENCE", 1)
    service = plain.open()
    simulator.inject("soap_delay", method="CurrentTime", seconds=None)
    with pytest.raises(TimeoutError):
        service.CurrentTime()
    simulator.clear()
    service.content.sessionManager.Logout()


def test_a_login_that_hangs_holds_up_no_other_login(hosts: list[EsxHost]) -> None:
    SetSi("the script's own")
    try:
        sources = [
            fleet.SessionFrom(
                host.simulator.host,
                host.simulator.user,
                lambda *_, host=host: host.simulator.password,
                port=host.simulator.port,
                ca_file=host.simulator.ca_file,
            )
            for host in hosts
        ]
        held = hosts[0]
        held.simulator.inject("soap_delay", method="Login", seconds=None)
        opened: list[Any] = []
        thread = threading.Thread(target=lambda: opened.append(sources[0].open()))
        thread.start()
        wait_for(lambda: held.simulator.calls("Login"))
        opened.append(sources[1].open())  # while the first one waits
        assert thread.is_alive()
        assert GetSi() == "the script's own"
        held.simulator.clear()
        thread.join()
        assert GetSi() == "the script's own"
        for service in opened:
            service.content.sessionManager.Logout()
    finally:
        SetSi(None)
