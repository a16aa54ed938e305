"""``plan``: what a run would do, from the inventory and the journal alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from nfclease import fleet
from nfclease.fleet.planned import STREAM_RATE
from nfclease.simulator import Simulator

from ..support.importing import calls_of
from ..support.inventory import unique


def jobs_of(lab: str, directory: Path, *vms: str, **options: object) -> list[fleet.ExportJob]:
    return [fleet.ExportJob(lab, vm, f"{directory}/{{vm}}.ova", options) for vm in vms]


def test_a_plan_starts_nothing(simulator: Simulator, lab: str, tmp_path: Path) -> None:
    name = unique("planned")
    simulator.add_vm(name, disks=2, nvram=False)
    plan = fleet.plan(jobs_of(lab, tmp_path, name, "demo-vm"), per_host=2)
    one, two = plan.jobs
    assert (one.vm, one.target, one.disks) == (name, f"{tmp_path}/{name}.ova", 2)
    assert (two.host, two.vcenter, two.failure) == ("esx-1.example", lab, None)
    [host] = plan.hosts
    assert (host.jobs, host.disks, host.bytes) == (2, 5, one.bytes + two.bytes)
    assert host.seconds == pytest.approx(plan.bytes / 2 / STREAM_RATE)
    assert plan.seconds == host.seconds
    assert simulator.leases() == []
    assert [*tmp_path.iterdir()] == []
    assert calls_of(simulator, "Login") == calls_of(simulator, "Logout") == 1


def test_one_vm_is_not_faster_than_its_disks(lab: str, tmp_path: Path) -> None:
    plan = fleet.plan(jobs_of(lab, tmp_path, "vapp-vm"), per_host=48)
    assert plan.seconds == pytest.approx(plan.bytes / plan.jobs[0].disks / STREAM_RATE)


def test_the_cap_of_the_vcenter_counts(lab: str, tmp_path: Path) -> None:
    plan = fleet.plan(jobs_of(lab, tmp_path, "demo-vm"), per_vcenter=1)
    assert plan.seconds == pytest.approx(plan.bytes / STREAM_RATE)


def test_what_would_fail(lab: str, tmp_path: Path) -> None:
    jobs = jobs_of(lab, tmp_path, "no-such-vm", "running-vm", "demo-vm", "/DC0/vm/demo-vm")
    jobs += jobs_of(lab, tmp_path / "snapshots", "running-vm", snapshot=True)
    plan = fleet.plan(jobs)
    failures = [each.failure.error if each.failure else "" for each in plan.jobs]
    assert failures == ["NotFoundError", "vim.fault.InvalidPowerState", "", "ValueError", ""]
    assert [each.vm for each in plan.failed] == ["no-such-vm", "running-vm", "/DC0/vm/demo-vm"]
    assert sum(host.jobs for host in plan.hosts) == 2


def test_what_would_fail_of_copies(second: Simulator, lab: str) -> None:
    jobs = [
        fleet.CopyJob(lab, "running-vm", "second", "Resources"),
        fleet.CopyJob(lab, "running-vm", "second", "Resources", "b", options={"snapshot": True}),
        fleet.CopyJob(lab, "demo-vm", "second", "Resources"),
    ]
    plan = fleet.plan(jobs)
    [failure] = [each.failure for each in plan.failed]
    assert failure is not None
    assert failure.reason == "the VM is poweredOn: copy a snapshot of it, or switch it off"


def test_what_a_journal_has_as_done(lab: str, tmp_path: Path) -> None:
    jobs, journal = jobs_of(lab, tmp_path, "vapp-vm", "demo-vm"), tmp_path / "run.db"
    assert fleet.plan(jobs, journal=journal).skipped == ()
    assert not journal.exists()
    fleet.run(jobs[:1], journal=journal)
    plan = fleet.plan(jobs, journal=journal)
    assert [each.vm for each in plan.skipped] == ["vapp-vm"]
    assert [host.jobs for host in plan.hosts] == [1]
    elsewhere = jobs_of(lab, tmp_path / "elsewhere", "vapp-vm")
    assert fleet.plan(elsewhere, journal=journal).skipped == ()


def test_arguments_that_are_none(lab: str, tmp_path: Path) -> None:
    jobs = jobs_of(lab, tmp_path, "demo-vm")
    with pytest.raises(ValueError, match="per_host must be 1 or more"):
        fleet.plan(jobs, per_host=0)
    with pytest.raises(ValueError, match="two jobs are the same"):
        fleet.plan(jobs * 2)
    with pytest.raises(TypeError, match="jobs are "):
        fleet.plan(["demo-vm"])  # type: ignore[list-item]


def test_no_more_jobs_than_allowed(simulator: Simulator, lab: str, tmp_path: Path) -> None:
    names = [unique("few") for _ in range(5)]
    for name in names:
        simulator.add_vm(name, disks=1, nvram=False)
    counts, reasons = [0], []

    def told(event: fleet.Event) -> None:
        change = {"started": 1, "ended": -1}.get(event.kind, 0)
        counts.append(counts[-1] + change)
        if event.kind == "waiting":
            reasons.append(event.reason)

    fleet.run(jobs_of(lab, tmp_path, *names), max_jobs=2, progress=told)
    assert max(counts) == 2
    assert set(reasons) == {"2 of 2 jobs run"}
    with pytest.raises(ValueError, match="max_jobs must be 1 or more"):
        fleet.run([], max_jobs=0)
