"""Leases of workers and drivers that were killed: released, where it is sure that they are ours."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import HttpNfcLease, fleet, verify
from nfclease.fleet._lease_notes import LeaseNote
from nfclease.fleet._own_leases import LeaseReader
from nfclease.inventory import BlockingTask, blocking_tasks, find
from nfclease.simulator import Simulator

from ..support.inventory import connected, unique
from ..support.waiting import wait_for
from .script import Script

# Nobody waits for the end of a lease.
SIMULATOR = {"disk_size": 1 << 20, "lease_timeout": 3600.0}
SLOW = 4_000  # no export ends before somebody is killed


@pytest.fixture
def service(simulator: Simulator) -> Iterator[Any]:
    """Another client, of the same user."""
    yield from connected(simulator)


@pytest.fixture
def vms(simulator: Simulator) -> Iterator[list[str]]:
    names = [unique("left") for _ in range(3)]
    for name in names:
        simulator.add_vm(name, disks=1)
    simulator.set(exclusive_leases=True)
    yield names
    simulator.expire()


def jobs_of(session: Any, vms: list[str], directory: Path) -> list[fleet.ExportJob]:
    return [fleet.ExportJob(session, vm, f"{directory}/{{vm}}.ova") for vm in vms]


def cancelled(simulator: Simulator) -> list[str]:
    return sorted(call["moid"] for call in simulator.calls("CancelTask"))


def holder(service: Any, vm: str) -> BlockingTask:
    """The task that holds a VM, which the server really does not let be exported."""
    with pytest.raises(vim.fault.TaskInProgress):
        find(service, vm).ExportVm()
    [held] = blocking_tasks(find(service, vm))
    return held


def left(lab: str, vm: str, service: Any, directory: Path) -> LeaseNote:
    """What a driver leaves that dies: a lease that nobody renews, and its journal."""
    entity = find(service, vm)
    entity.ExportVm()
    note = LeaseNote.of(holder(service, vm), lab, entity)
    [job] = jobs_of(lab, [vm], directory)
    with fleet.Journal(directory / "nightly.db") as journal:
        journal.start(job.key, attempt=1, target="x", worker="here")
        journal.note_lease(job.key, note.to_text())
    return note


def test_a_worker_that_was_killed_and_those_of_its_pool(
    simulator: Simulator,
    plain: fleet.SessionFrom,
    vms: list[str],
    service: Any,
    tmp_path: Path,
) -> None:
    pools: list[ProcessPoolExecutor] = []

    def pool() -> ProcessPoolExecutor:
        pools.append(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        return pools[-1]

    jobs, reasons = jobs_of(plain, vms, tmp_path), []
    held: list[str] = []
    journal = fleet.Journal(tmp_path / "nightly.db")

    def kill() -> None:
        wait_for(lambda: sum(bool(journal.leases(job.key)) for job in jobs) == 2, 60)
        running = [job for job in jobs if journal.leases(job.key)]
        held.extend(holder(service, job.vm).key for job in running)
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
        simulator.clear()

    simulator.inject("bandwidth", bytes_per_second=SLOW)
    killer = threading.Thread(target=kill)
    killer.start()
    with journal:
        summary = fleet.run(
            jobs,
            executor=pool,
            per_host=2,
            journal=journal,
            retry_delay=20.0,
            blocked_timeout=5.0,
            progress=lambda event: reasons.append(event.reason),
        )
    killer.join()
    assert sorted(each.attempts for each in summary.done) == [1, 2, 2]
    assert all(verify(each.target) for each in summary.done)
    assert (len(held), cancelled(simulator)) == (2, sorted(held))
    assert len(pools) == 2
    assert sum("tried again in 0 s" in reason for reason in reasons) == 2


def test_a_driver_that_was_killed(
    simulator: Simulator, vms: list[str], service: Any, tmp_path: Path
) -> None:
    path = tmp_path / "nightly.db"

    def noted() -> dict[str, str]:
        """The keys of the tasks that the journal has, by VM."""
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT vm, leases FROM jobs WHERE leases != ''").fetchall()
        return {vm: json.loads(json.loads(text)[-1])["task"] for vm, text in rows}

    simulator.inject("bandwidth", bytes_per_second=SLOW)
    script = Script(f"journal={path}", simulator, tmp_path, vms)
    wait_for(lambda: path.exists() and len(noted()) == 2, 60)
    script.process.kill()
    script.process.communicate()
    simulator.clear()
    left_behind = noted()
    assert {vm: holder(service, vm).key for vm in left_behind} == left_behind
    out, error = Script(f"journal={path}", simulator, tmp_path, vms).end()
    assert out.splitlines()[-1] == "states done done done", error
    assert cancelled(simulator) == sorted(left_behind.values())
    assert all(verify(tmp_path / f"{vm}.ova") for vm in vms)
    assert noted() == {}


@pytest.mark.parametrize("user", ["EXAMPLE\\robot", None])
def test_the_lease_of_somebody_else_is_waited_for(
    simulator: Simulator,
    lab: str,
    vms: list[str],
    service: Any,
    tmp_path: Path,
    user: str | None,
) -> None:
    """Also where it is the same user's, and a lease of the run held the VM before."""
    note = left(lab, vms[0], service, tmp_path)
    holder(service, vms[0]).task.CancelTask()
    simulator.hold_vm(vms[0], user=user or note.user)
    held, simulator_calls = holder(service, vms[0]), cancelled(simulator)
    [job] = jobs_of(lab, vms[:1], tmp_path)
    with fleet.Journal(tmp_path / "nightly.db") as journal:
        # As a host counts that was started anew.
        journal.note_lease(job.key, replace(note, task=held.key).to_text())
    summary = fleet.run(
        [job],
        journal=tmp_path / "nightly.db",
        retry_delay=0.1,
        blocked_timeout=0.5,
        check=False,
    )
    [failed] = summary.failed
    assert failed.failure is not None
    assert (failed.failure.verdict, failed.failure.task) == ("later", str(held))
    assert held.key in failed.failure.reason
    assert cancelled(simulator) == simulator_calls
    assert holder(service, vms[0]) == held
    simulator.free_vm(vms[0])


@pytest.mark.parametrize(
    ("fault", "said"),
    [("vim.fault.NoPermission", "NoPermission"), ("vim.fault.InvalidState", "it goes on")],
)
def test_one_that_cannot_be_cancelled_is_waited_for(
    simulator: Simulator,
    lab: str,
    vms: list[str],
    service: Any,
    tmp_path: Path,
    fault: str,
    said: str,
) -> None:
    note = left(lab, vms[0], service, tmp_path)
    simulator.inject("soap_fault", method="CancelTask", fault=fault)
    reasons: list[str] = []

    def ends(event: fleet.Event) -> None:
        if event.kind == "waiting":
            reasons.append(event.reason)
            simulator.expire()  # as the server does after its timeout

    summary = fleet.run(
        jobs_of(lab, vms[:1], tmp_path),
        journal=tmp_path / "nightly.db",
        retries=0,
        retry_delay=0.1,
        progress=ends,
    )
    assert [each.attempts for each in summary.done] == [2]
    assert reasons[0].startswith(f"the lease of a worker that died, {note.task}, is not released: ")
    assert said in reasons[0]
    assert "is held by" in reasons[0]


def test_which_task_is_a_lease_of_this_process(
    simulator: Simulator, vms: list[str], service: Any
) -> None:
    """Not that of an older lease of the same user, and none where two fit."""
    simulator.set(exclusive_leases=False)
    told: list[tuple[str, str, str]] = []
    reader = LeaseReader(lambda *message: told.append(message))
    for other in connected(simulator):
        clear, doubtful = (find(service, vm) for vm in vms[:2])
        find(other, vms[0]).ExportVm()
        time.sleep(1.0)  # the server's clock is known as exactly as a call takes
        with reader.reading("doubtful", {"lab": service}):
            find(other, vms[1]).ExportVm()
            with HttpNfcLease(doubtful.ExportVm()) as first:
                first.wait_ready(20)
                wait_for(lambda: len(simulator.calls("CurrentTime")) >= 2)  # it tries again
                with (
                    reader.reading("clear", {"lab": service}),
                    HttpNfcLease(clear.ExportVm()) as second,
                ):
                    second.wait_ready(20)
                    wait_for(lambda: told, 60)
                    mine = blocking_tasks(clear)[-1]
    [(kind, key, text)] = told
    assert (kind, key) == ("lease", "clear")
    assert LeaseNote.from_text(text) == LeaseNote.of(mine, "lab", clear)


@pytest.mark.parametrize("text", ["", "[]", "[1]", "{}", '{"task": "task-1"}', "task-1", "[" * 999])
def test_a_note_that_nobody_wrote_names_no_task(text: str) -> None:
    assert LeaseNote.from_text(text) is None
    whole = LeaseNote("lab", "vm-1", "task-1", "2026-11-28T05:00:00+00:00", "somebody")
    assert LeaseNote.from_text(whole.to_text()) == whole
    wrong = whole.to_text().replace('"task-1"', "1")
    assert LeaseNote.from_text(wrong) is None
