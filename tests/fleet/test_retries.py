"""What becomes of jobs that fail: tried again, put off, given up, each for its reason."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import fleet
from nfclease.simulator import Simulator

from ..support.inventory import find, unique


@pytest.fixture
def vms(simulator: Simulator) -> list[str]:
    """Each shorter than the one before: so they start in this order."""
    names = [unique("retried") for _ in range(4)]
    for number, name in enumerate(names):
        simulator.add_vm(name, disks=1, disk_size=(9 - 2 * number) << 16, nvram=False)
    return names


def jobs_of(session: str, vms: list[str], directory: Path, **options: Any) -> list[Any]:
    return [fleet.ExportJob(session, vm, f"{directory}/{{vm}}.ova", options) for vm in vms]


def test_a_lease_that_is_lost_is_tried_again(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    simulator.inject("expire", count=1)
    events: list[fleet.Event] = []
    summary = fleet.run(jobs_of(lab, vms[:1], tmp_path), retry_delay=0.1, progress=events.append)
    [done] = summary.done
    assert (done.attempts, len(simulator.calls("ExportVm"))) == (2, 2)
    assert any("tried again in" in event.reason for event in events)


def test_after_the_retries_it_has_failed_and_the_others_are_done(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    simulator.inject("drop", method="ExportVm", count=3)
    with pytest.raises(fleet.FleetError, match="1 of 1 jobs failed") as failed:
        fleet.run(jobs_of(lab, vms[:1], tmp_path), retry_delay=0.05)
    [outcome] = failed.value.failures
    assert (outcome.attempts, outcome.vm) == (3, vms[0])
    assert outcome.failure is not None
    assert outcome.failure.verdict == "again"
    again = pickle.loads(pickle.dumps(failed.value))
    assert (str(again), again.summary) == (str(failed.value), failed.value.summary)
    assert [str(each) for each in again.exceptions] == [outcome.reason]
    assert again.exceptions[0].outcome == outcome
    shown = "".join(traceback.format_exception(failed.value))
    assert shown.count(outcome.reason) == 1
    assert len(fleet.run(jobs_of(lab, vms, tmp_path)).done) == 4


def test_a_vm_that_a_task_holds_waits_for_it(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    simulator.hold_vm(vms[0], method="CloneVM_Task")
    ends: list[str] = []

    def free(event: fleet.Event) -> None:
        if event.kind == "waiting" and "tried again" in event.reason:
            ends.append(event.reason)
            simulator.free_vm(vms[0])

    summary = fleet.run(jobs_of(lab, vms[:2], tmp_path), retries=0, retry_delay=0.1, progress=free)
    assert {each.vm: each.attempts for each in summary.done} == {vms[0]: 2, vms[1]: 1}
    assert "clone" in ends[0].lower()


def test_one_that_is_held_for_too_long_has_failed_with_the_name_of_the_task(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    task = simulator.hold_vm(vms[0], method="CloneVM_Task")
    summary = fleet.run(
        jobs_of(lab, vms[:1], tmp_path), retry_delay=0.1, blocked_timeout=0.3, check=False
    )
    [failed] = summary.failed
    assert failed.failure is not None
    assert (failed.failure.verdict, task in failed.failure.task) == ("later", True)
    assert failed.attempts > 1


def test_a_vm_that_runs_or_is_not_there_fails_at_once(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    summary = fleet.run(jobs_of(lab, ["running-vm", "no-such-vm", *vms], tmp_path), check=False)
    reasons = {each.vm: each.failure for each in summary.failed}
    assert {name: failure and failure.error for name, failure in reasons.items()} == {
        "running-vm": "vim.fault.InvalidPowerState",
        "no-such-vm": "NotFoundError",
    }
    assert {failure.verdict for failure in reasons.values() if failure} == {"never"}
    assert len(summary.done) == 4
    assert "no-such-vm: NotFoundError: VM 'no-such-vm' not found" in str(summary)


def test_a_vm_that_goes_between_the_plan_and_its_start_fails_alone(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    def destroy(event: fleet.Event) -> None:
        if event.kind == "ended" and event.vm == vms[0]:
            service = simulator.connect()
            find(service, vim.VirtualMachine, vms[2]).Destroy_Task()
            service.content.sessionManager.Logout()

    summary = fleet.run(
        jobs_of(lab, vms, tmp_path), per_host=1, progress=destroy, check=False, retry_delay=0.05
    )
    [failed] = summary.failed
    assert failed.vm == vms[2]
    assert failed.failure is not None
    assert failed.failure.error == "vmodl.fault.ManagedObjectNotFound"
    assert len(summary.done) == 3


@pytest.mark.parametrize("stops", [False, True])
def test_a_full_disk_stops_the_rest_only_where_that_is_asked(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path, stops: bool
) -> None:
    """Of the second of four: /dev/full has no room for a directory either."""
    jobs = jobs_of(lab, vms, tmp_path)
    jobs[1] = fleet.ExportJob(lab, vms[1], "/dev/full/{vm}.ova")
    summary = fleet.run(jobs, per_host=1, stop_on_failure=stops, check=False)
    assert [each.state for each in summary.outcomes] == [
        "done",
        "failed",
        *(["cancelled"] * 2 if stops else ["done"] * 2),
    ]


def test_two_exports_to_one_target_do_not_replace_each_other(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    jobs = [fleet.ExportJob(lab, vm, f"{tmp_path}/same.ova") for vm in vms[:2]]
    summary = fleet.run(jobs, check=False)
    [failed] = summary.failed
    assert failed.failure is not None
    assert "is the target of" in failed.failure.reason
    with pytest.raises(ValueError, match="two jobs are the same"):
        fleet.run([jobs[0], jobs[0]])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{vms}.ova", "has {vms} in it"),
        ("{vm!r}.ova", "has {vm} in it"),
        ("{vm:>9}.ova", "has {vm} in it"),
        ("{vm.ova", "expected '}'"),
        ("{}.ova", "has {} in it"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fleet.ExportJob("lab", "vm", template)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"progress": True}, ValueError),
        ({"no_such": 1}, ValueError),
        ({"include": print}, TypeError),
        ({"snapshot": object()}, TypeError),
        ([], TypeError),
    ],
)
def test_an_option_that_is_no_plain_keyword_is_refused(options: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        fleet.ExportJob("lab", "vm", "{vm}.ova", options)


def test_the_name_of_a_vm_cannot_lead_out_of_the_directory(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    moids = [
        simulator.add_vm(name, disks=1, disk_size=4096, nvram=False)
        for name in ("..", "../../x/y", "a*")
    ]
    target = f"{tmp_path}/{{vm}}.ova"
    summary = fleet.run([fleet.ExportJob(lab, vm, target, {"name": "vm"}) for vm in moids])
    assert {Path(each.target).name for each in summary.done} == {
        "_.ova",
        "_2f.._2fx_2fy.ova",
        "a_.ova",
    }
    assert {path.name for path in tmp_path.iterdir()} == {"_.ova", "_2f.._2fx_2fy.ova", "a_.ova"}
