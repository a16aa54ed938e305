"""Copies to another vCenter as jobs of a run: what arrives, what fails at each end, the limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from nfclease import fleet
from nfclease.fleet.window import Window
from nfclease.simulator import Simulator

from ..support.importing import vm_names
from ..support.inventory import connected, unique
from ..support.leases import endings
from .conftest import VARIABLE

POOL = "/DC0/host/Cluster/Resources"


@pytest.fixture
def vms(simulator: Simulator) -> list[str]:
    """Four small VMs, in an order that their disks do not tell."""
    names = [unique("moved") for _ in range(4)]
    for name in names:
        simulator.add_vm(name, disks=1, disk_size=5000)
    return names


@pytest.fixture
def there(second: Simulator) -> Iterator[Any]:
    """A session with the vCenter that is copied to."""
    yield from connected(second)


def jobs_of(session: Any, vms: list[str], **given: Any) -> list[fleet.CopyJob]:
    return [fleet.CopyJob(session, vm, **{"to_session": "second", **given}) for vm in vms]


def sums(simulator: Simulator, *methods: str) -> list[str]:
    return sorted(each["sha1"] for each in simulator.requests() if each["method"] in methods)


def test_vms_are_copied_and_the_next_run_skips_them(
    simulator: Simulator, second: Simulator, lab: str, vms: list[str], there: Any, tmp_path: Path
) -> None:
    jobs = jobs_of(lab, vms, resource_pool=POOL, name="{vm} (copy): {session}")
    events: list[fleet.Event] = []
    path = tmp_path / "copies.db"
    summary = fleet.run(jobs, journal=path, progress=events.append)
    names = {each.target for each in summary.done}
    assert names == {f"{vm} (copy): lab" for vm in vms}
    assert names <= {*vm_names(there)}
    sent = sums(simulator, "GET")
    assert len(sent) >= 4
    assert sums(second, "POST", "PUT") == sent
    assert {each.kind for each in summary.done} == {"copy"}
    assert all(each.bytes > 5000 for each in summary.done)
    assert len({event.host for event in events}) == 1
    assert endings(simulator) == endings(second) == ["HttpNfcLeaseComplete"] * 4
    assert len(fleet.run(jobs, journal=path).skipped) == 4
    assert len(simulator.calls("ExportVm")) == 4


def test_processes_log_in_at_both_ends(
    second: Simulator,
    plain: fleet.SessionFrom,
    vms: list[str],
    there: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECOND_PASSWORD", second.password)
    to = replace(
        plain,
        user=second.user,
        port=second.port,
        ca_file=second.ca_file,
        password_from="SECOND_PASSWORD",
    )
    jobs = jobs_of(plain, vms[:1], to_session=to, resource_pool=POOL)
    summary = fleet.run(jobs, executor=lambda: ProcessPoolExecutor(1, get_context("spawn")))
    assert [each.state for each in summary.outcomes] == ["done"]
    assert vms[0] in vm_names(there)


def test_a_lease_that_the_source_loses_is_tried_again(
    simulator: Simulator, second: Simulator, lab: str, vms: list[str], there: Any
) -> None:
    simulator.inject("drop", method="ExportVm", count=1)
    summary = fleet.run(jobs_of(lab, vms, resource_pool=POOL), retry_delay=0.05)
    assert sorted(each.attempts for each in summary.done) == [1, 1, 1, 2]
    names = vm_names(there)
    assert [names.count(vm) for vm in vms] == [1, 1, 1, 1]


def test_a_lease_that_the_target_loses_is_tried_again(
    simulator: Simulator, second: Simulator, lab: str, vms: list[str], there: Any
) -> None:
    second.inject("init_error", fault="vim.fault.Timedout", count=1)
    summary = fleet.run(jobs_of(lab, vms[:1], resource_pool=POOL), retry_delay=0.05)
    assert [each.attempts for each in summary.done] == [2]
    assert endings(simulator) == ["HttpNfcLeaseAbort", "HttpNfcLeaseComplete"]
    assert vm_names(there).count(vms[0]) == 1


def test_what_the_target_refuses_fails_alone(
    simulator: Simulator, second: Simulator, lab: str, vms: list[str], there: Any
) -> None:
    second.inject("soap_fault", fault="vim.fault.NoPermission", method="ImportVApp", count=1)
    summary = fleet.run(jobs_of(lab, vms, resource_pool=POOL), per_host=1, check=False)
    [failed] = summary.failed
    assert failed.failure is not None
    assert (failed.failure.verdict, failed.attempts) == ("never", 1)
    assert endings(simulator).count("HttpNfcLeaseAbort") == 1
    assert {vm for vm in vms if vm in vm_names(there)} == {*vms} - {failed.vm}


def test_a_place_or_a_vm_that_is_not_there_leaves_no_lease(
    simulator: Simulator, second: Simulator, lab: str, vms: list[str]
) -> None:
    jobs = [
        *jobs_of(lab, vms[:1], resource_pool="/DC0/host/Nowhere/Resources"),
        *jobs_of(lab, ["no-such-vm"], resource_pool=POOL),
    ]
    summary = fleet.run(jobs, check=False)
    reasons = {each.vm: each.failure.reason for each in summary.failed if each.failure}
    assert "Nowhere" in reasons[vms[0]]
    assert "no-such-vm" in reasons["no-such-vm"]
    assert simulator.calls("ExportVm") == second.calls("ImportVApp") == []


@dataclass(eq=False)
class Waiting:
    host: str
    vcenter: str = "a"
    disks: int = 1
    bytes: int = 0

    @property
    def host_name(self) -> str:
        return self.host


def test_a_copy_counts_at_both_vcenters() -> None:
    window = Window(per_host=8, per_vcenter=2)
    copies = [Waiting("h1"), Waiting("h2"), Waiting("h3")]
    window.add(copies[0], "b")
    window.add(copies[1], "b")
    assert [window.take(), window.take()] == copies[:2]
    inside = Waiting("h9", vcenter="b")
    window.add(inside)
    assert window.take() is None
    assert [*window.held()] == [(inside, "vCenter b: 2 of 2 disks")]
    window.end(copies[0])
    assert window.take() is inside
    window.add(copies[2], "b")
    assert window.take() is None  # its own vCenter has room
    assert [*window.held()] == [(copies[2], "vCenter b: 2 of 2 disks")]
    export = Waiting("h4")
    window.add(export)
    assert window.take() is export  # a full target holds up what goes elsewhere no more than that
    window.end(inside)
    window.end(export)
    assert window.take() is copies[2]


def test_a_job_is_plain_data_without_secrets(plain: fleet.SessionFrom) -> None:
    job = fleet.CopyJob("lab", "vm-12", plain, "Pool", options={"networks": {"*": "LAN"}})
    assert job.key == f"copy lab: vm-12 -> {plain.name}: {{vm}}"
    assert VARIABLE not in json.dumps(job.settings())
    assert job.settings()["networks"] == {"*": "LAN"}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"to_session": None}, TypeError),
        ({"resource_pool": ""}, ValueError),
        ({"folder": 3}, TypeError),
        ({"name": "{source}"}, ValueError),
        ({"options": {"require_uploads": False}}, ValueError),
        ({"options": {"host": "esx1"}}, ValueError),
        ({"options": {"snapshot": object()}}, TypeError),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(given: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        fleet.CopyJob(
            **{"session": "lab", "vm": "web", "to_session": "b", "resource_pool": "R", **given}
        )
