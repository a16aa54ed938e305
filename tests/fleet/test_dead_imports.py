"""Imports and copies whose worker was killed: what it was making goes, and the job runs again."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import export_vm, fleet
from nfclease.fleet._lease_notes import LeaseNote
from nfclease.inventory import blocking_tasks, find, find_all
from nfclease.simulator import Simulator

from ..support.inventory import connected, unique
from ..support.waiting import wait_for

# Nobody waits for the end of a lease.
SIMULATOR = {"disk_size": 1 << 20, "lease_timeout": 3600.0}
SLOW = 4_000  # nothing ends before somebody is killed
POOL = "/DC0/host/Cluster/Resources"


@pytest.fixture
def service(simulator: Simulator) -> Iterator[Any]:
    """Another client, of the same user."""
    simulator.set(exclusive_leases=True)
    yield from connected(simulator)
    simulator.expire()


@pytest.fixture
def there(second: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("SECOND_PASSWORD", second.password)
    second.set(lease_timeout=3600.0)
    yield from connected(second)
    second.expire()


def pool_of_one() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def beside(plain: fleet.SessionFrom, second: Simulator) -> fleet.SessionFrom:
    """The session of the other vCenter."""
    return replace(
        plain,
        user=second.user,
        port=second.port,
        ca_file=second.ca_file,
        password_from="SECOND_PASSWORD",
    )


def cancelled(*simulators: Simulator) -> list[str]:
    return sorted(call["moid"] for each in simulators for call in each.calls("CancelTask"))


def named(service: Any, kind: Any, name: str) -> int:
    """How many entities have it."""
    return len(find_all(service, name, kind))


def package_of(service: Any, name: str, directory: Path) -> str:
    path = directory / "package.ova"
    export_vm(find(service, name, (vim.VirtualMachine, vim.VirtualApp)), path)
    return str(path)


@contextmanager
def killed_once_noted(simulator: Simulator, path: Path, job: Any, count: int) -> Iterator[Any]:
    """Kills the worker when the journal has so many leases of its job; gives it and their notes."""
    notes: list[LeaseNote] = []
    with fleet.Journal(path) as journal:

        def kill() -> None:
            wait_for(lambda: len(journal.leases(job.key)) == count, 60)
            notes.extend(filter(None, map(LeaseNote.from_text, journal.leases(job.key))))
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
            simulator.clear()

        simulator.inject("bandwidth", bytes_per_second=SLOW)
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            yield journal, notes
        finally:
            killer.join()


@pytest.mark.parametrize(
    ("source", "kind"),
    [("demo-vm", vim.VirtualMachine), ("demo-vapp", vim.VirtualApp)],
)
def test_a_worker_that_was_killed_while_it_made_a_vm_or_a_vapp(
    simulator: Simulator,
    plain: fleet.SessionFrom,
    service: Any,
    tmp_path: Path,
    source: str,
    kind: Any,
) -> None:
    """Its name is free again when the lease is released, and not before."""
    package, name = package_of(service, source, tmp_path), unique("made")
    job = fleet.ImportJob(plain, package, "Resources", name, datastore="datastore1")
    with killed_once_noted(simulator, tmp_path / "a.db", job, 1) as (journal, notes):
        summary = fleet.run([job], executor=pool_of_one, journal=journal, retry_delay=20.0)
    assert [each.attempts for each in summary.done] == [2]
    assert [note.task for note in notes] == cancelled(simulator)
    assert named(service, kind, name) == 1
    assert blocking_tasks(find(service, name, kind)) == []


@pytest.mark.parametrize("is_elsewhere", [True, False])
def test_a_worker_that_was_killed_while_it_copied(
    simulator: Simulator,
    second: Simulator,
    plain: fleet.SessionFrom,
    service: Any,
    there: Any,
    tmp_path: Path,
    is_elsewhere: bool,
) -> None:
    """The leases of both ends are released, in one vCenter as well as in two."""
    vm, name = unique("moved"), unique("copy")
    simulator.add_vm(vm, disks=1)
    to = beside(plain, second) if is_elsewhere else plain
    job = fleet.CopyJob(plain, vm, to, POOL, name=name)
    with killed_once_noted(simulator, tmp_path / "a.db", job, 2) as (journal, notes):
        summary = fleet.run([job], executor=pool_of_one, journal=journal, retry_delay=20.0)
    assert [each.attempts for each in summary.done] == [2]
    assert {note.session for note in notes} == {plain.name, fleet.sessions.name_of(to)}
    ends = (simulator, second) if is_elsewhere else (simulator,)
    assert sorted(note.task for note in notes) == cancelled(*ends)
    assert named(there if is_elsewhere else service, vim.VirtualMachine, name) == 1
    assert blocking_tasks(find(service, vm)) == []


def import_by_hand(service: Any, name: str) -> Any:
    """A lease of somebody who makes a VM."""
    pool = find(service, POOL, vim.ResourcePool)
    spec = vim.vm.ConfigSpec(
        name=name, files=vim.vm.FileInfo(vmPathName="[datastore1]"), numCPUs=1, memoryMB=64
    )
    folder = find(service, "/DC0/vm", vim.Folder)
    return pool.ImportVApp(vim.vm.VmImportSpec(configSpec=spec), folder, None)


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_name_is_waited_for_while_somebody_else_makes_a_vm_of_it(
    simulator: Simulator, lab: str, service: Any, tmp_path: Path, is_noted: bool
) -> None:
    """Also where a note names its task, which a server counts anew after a restart."""
    package, name = package_of(service, "demo-vm", tmp_path), unique("taken")
    raw = import_by_hand(service, name)
    wait_for(lambda: raw.state == "ready")
    [held] = blocking_tasks(find(service, name))
    job = fleet.ImportJob(lab, package, "Resources", name, datastore="datastore1")
    with fleet.Journal(tmp_path / "a.db") as journal:
        if is_noted:
            note = LeaseNote.of(held, lab, find(service, name))
            journal.start(job.key, attempt=1, target=name, worker="here")
            journal.note_lease(job.key, replace(note, started="2026-01-01").to_text())
    reasons: list[str] = []

    def ends(event: fleet.Event) -> None:
        if event.kind == "waiting":
            reasons.append(event.reason)
            raw.Abort()

    summary = fleet.run([job], journal=tmp_path / "a.db", retries=0, retry_delay=0.1, progress=ends)
    assert [each.attempts for each in summary.done] == [2]
    assert str(held) in reasons[0]
    assert cancelled(simulator) == []


@pytest.mark.parametrize("is_exported", [True, False])
def test_a_name_that_a_vm_has_for_good_is_not_waited_for(
    simulator: Simulator, lab: str, service: Any, tmp_path: Path, is_exported: bool
) -> None:
    package, vm = package_of(service, "demo-vm", tmp_path), unique("owner")
    simulator.add_vm(vm, disks=1)
    job = fleet.ImportJob(lab, package, "Resources", vm, datastore="datastore1")
    if is_exported:
        find(service, vm).ExportVm()
    summary = fleet.run([job], check=False)
    [failed] = summary.failed
    assert failed.failure is not None
    assert (failed.failure.verdict, failed.failure.task) == ("never", "")


def test_what_cannot_be_released_of_a_copy_is_waited_for(
    simulator: Simulator, second: Simulator, lab: str, service: Any, there: Any, tmp_path: Path
) -> None:
    vm = unique("moved")
    simulator.add_vm(vm, disks=1)
    raw = import_by_hand(there, vm)
    wait_for(lambda: raw.state == "ready")
    made = find(there, vm)
    [held] = blocking_tasks(made)
    job = fleet.CopyJob(lab, vm, "second", POOL)
    with fleet.Journal(tmp_path / "a.db") as journal:
        journal.start(job.key, attempt=1, target=vm, worker="here")
        journal.note_lease(job.key, LeaseNote.of(held, "second", made).to_text())
    second.inject("soap_fault", method="CancelTask", fault="vim.fault.NoPermission", count=1)
    summary = fleet.run([job], journal=tmp_path / "a.db", retries=0, retry_delay=0.1, check=False)
    # The first attempt says it; the second one is allowed to.
    assert [each.attempts for each in summary.done] == [2]
    assert cancelled(second) == [held.key] * 2
    assert named(there, vim.VirtualMachine, vm) == 1


def test_a_note_names_a_vm_or_a_vapp_and_nothing_else() -> None:
    note = LeaseNote("lab", "resgroup-1", "task-1", "2026-11-28", "somebody", "VirtualApp")
    assert LeaseNote.from_text(note.to_text()) == note
    assert LeaseNote.from_text(replace(note, kind="Folder").to_text()) is None
    read = json.loads(note.to_text())
    del read["kind"]  # as it was written before
    assert LeaseNote.from_text(json.dumps(read)) == replace(note, kind="VirtualMachine")
