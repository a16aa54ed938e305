"""A VM that a task holds: who holds it is told, and what frees it."""

from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import vim

import nfclease
from nfclease.inventory import blocking_tasks, cancel_task, find, lease_tasks
from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.leases import endings

#: What a server answers to a call that returns nothing.
_CANCELLED = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<CancelTaskResponse xmlns="urn:vim25"/></soapenv:Body></soapenv:Envelope>'
)


@pytest.fixture
def name(simulator: Simulator) -> Iterator[str]:
    """A VM of its own, with one disk."""
    made = unique("held")
    simulator.add_vm(made, disks=1)
    yield made
    simulator.free_vm(made)
    simulator.expire()


def export(face: str, vm: Any, target: Path, **options: Any) -> Any:
    if face == "asyncio":
        return asyncio.run(nfclease.export_vm_async(vm, target, **options))
    return nfclease.export_vm(vm, target, **options)


def test_an_export_of_a_held_vm_says_who_holds_it(
    face: str, simulator: Simulator, service: Any, name: str, tmp_path: Path
) -> None:
    moid = simulator.hold_vm(name, user="EXAMPLE\\robot", age=7200)
    vm = find(service, name)
    with pytest.raises(nfclease.BlockedError) as caught:
        export(face, vm, tmp_path / "out")
    error = caught.value
    assert isinstance(error, vim.fault.TaskInProgress)
    assert isinstance(error.__cause__, vim.fault.TaskInProgress)
    assert (error.task._moId, error.msg) == (moid, "Another task is already in progress.")
    [held] = error.tasks
    assert (held.key, held.user, held.is_lease) == (moid, "EXAMPLE\\robot", True)
    assert re.fullmatch(
        rf"the VM {name} \({vm._moId}\) is held by {moid}: VirtualMachine\.exportVm of "
        r"EXAMPLE\\robot, running since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. If nobody .*"
        "cancel its task .*nfclease release.*five minutes",
        str(error),
    )
    assert (error.vm, error.remedy, error.retryable) == (vm._moId, "retry", True)
    assert list(tmp_path.iterdir()) == []
    held.task.CancelTask()
    assert export(face, vm, tmp_path / "out").files


def test_a_snapshot_of_a_held_vm_says_who_holds_it(
    face: str, simulator: Simulator, service: Any, name: str, tmp_path: Path
) -> None:
    simulator.hold_vm(name, method="ReconfigVM_Task", cancelable=False)
    with pytest.raises(nfclease.BlockedError, match="reconfigVM of somebody") as caught:
        export(face, find(service, name), tmp_path / "out", snapshot=True)
    assert str(caught.value).endswith(". Wait for its end, and try again")
    assert not caught.value.tasks[0].is_lease


def test_a_lease_whose_client_died_is_told_and_freed(
    simulator: Simulator, service: Any, name: str, tmp_path: Path
) -> None:
    simulator.set(exclusive_leases=True)
    lost = simulator.connect()
    find(lost, name).ExportVm()
    Disconnect(lost)
    vm = find(service, name)
    with pytest.raises(nfclease.BlockedError) as caught:
        nfclease.export_vm(vm, tmp_path / "out")
    assert endings(simulator) == []
    [held] = blocking_tasks(vm)
    assert caught.value.tasks == (held,)
    assert [each.task for each in lease_tasks(service)] == [held.task]
    assert cancel_task(held)
    assert blocking_tasks(vm) == lease_tasks(service) == []
    assert nfclease.export_vm(vm, tmp_path / "out").files
    assert cancel_task(held)  # it has ended


def test_a_task_that_is_not_cancelled_goes_on(
    simulator: Simulator, service: Any, name: str
) -> None:
    vm = find(service, name)
    simulator.hold_vm(name, cancelable=False)
    [held] = blocking_tasks(vm)
    assert not cancel_task(held)
    simulator.free_vm(name)
    simulator.hold_vm(name)
    [held] = blocking_tasks(vm)
    simulator.inject("soap_fault", method="CancelTask", fault="vim.fault.NoPermission", count=1)
    with pytest.raises(vim.fault.NoPermission):
        cancel_task(held)
    assert blocking_tasks(vm) == [held]
    simulator.inject("raw_reply", method="CancelTask", count=1, body=_CANCELLED)
    assert not cancel_task(held, timeout=0.5)  # it takes longer
    assert blocking_tasks(vm) == [held]


def test_a_vapp_is_held_by_what_holds_its_vms(
    simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    name = unique("app")
    simulator.add_vapp(name, vms=2)
    vapp = find(service, name, vim.VirtualApp)
    simulator.hold_vm(f"{name}-2")
    assert [each.entity_name for each in blocking_tasks(vapp)] == [f"{name}-2"]
    with pytest.raises(nfclease.BlockedError, match=f"the vApp {vapp._moId} is held by task-"):
        nfclease.export_vm(vapp, tmp_path / "out")
    simulator.free_vm(f"{name}-2")
    raw: Any = vapp.ExportVApp()
    [held] = blocking_tasks(find(service, f"{name}-1"))
    assert (held.operation, held.entity) == ("VirtualApp.exportVApp", vapp)
    raw.Abort()


def test_the_oldest_comes_first_and_what_has_ended_is_left_out(
    simulator: Simulator, service: Any, name: str
) -> None:
    vm = find(service, name)
    young = simulator.hold_vm(name, age=10)
    old = simulator.hold_vm(name, age=1000, method="CreateSnapshot_Task")
    assert [each.key for each in blocking_tasks(vm)] == [old, young]
    assert [each.key for each in lease_tasks(service)] == [young]
    simulator.free_vm(name)
    assert blocking_tasks(vm) == []


def test_a_snapshot_stands_for_its_vm(simulator: Simulator, service: Any, name: str) -> None:
    running = find(service, "running-vm")
    simulator.hold_vm("running-vm")
    [snapshot] = running.rootSnapshot
    assert [each.entity for each in blocking_tasks(snapshot)] == [running]


def test_who_holds_it_cannot_be_seen(
    simulator: Simulator, service: Any, name: str, tmp_path: Path
) -> None:
    """The server's fault is not lost when the look at its tasks fails."""
    simulator.hold_vm(name)
    vm = find(service, name)
    simulator.inject("soap_fault", method="RetrievePropertiesEx", fault="vim.fault.NoPermission")
    with pytest.raises(nfclease.BlockedError, match="user cannot see") as caught:
        nfclease.export_vm(vm, tmp_path / "out")
    assert caught.value.tasks == ()
    assert caught.value.task is not None


def test_it_pickles_without_its_session(simulator: Simulator, service: Any, name: str) -> None:
    simulator.hold_vm(name)
    with pytest.raises(nfclease.BlockedError) as caught:
        nfclease.export_vm(find(service, name), "never-made")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy), copy.vm) == (
        nfclease.BlockedError,
        str(caught.value),
        caught.value.vm,
    )
    assert copy.tasks == ()


def test_other_objects_have_no_tasks(service: Any) -> None:
    wrong: Any = find(service, "Cluster", vim.ComputeResource)
    with pytest.raises(TypeError, match="entity must be"):
        blocking_tasks(wrong)


@pytest.mark.parametrize(
    ("operation", "is_lease"),
    [
        ("VirtualMachine.exportVm", True),
        ("vim.VirtualMachine.exportVm", True),
        ("VirtualMachine.ExportVmLRO", True),
        ("VirtualApp.ExportVAppLRO", True),
        ("ResourcePool.ImportVAppLRO", True),
        ("ResourcePool.importVApp", True),
        ("vm.Snapshot.exportSnapshot", True),
        ("OvfManager.exportOvfToUrl", False),
        ("VirtualMachine.clone", False),
        ("dvs.DistributedVirtualSwitchManager.exportEntity", False),
    ],
)
def test_the_tasks_of_leases_are_known(operation: str, is_lease: bool) -> None:
    """As vCenter and ESXi list them in ``TaskManager.description``, with one seen at a host."""
    from nfclease.inventory import tasks

    assert bool(tasks._OF_A_LEASE.fullmatch(operation)) == is_lease


def test_a_lease_that_fails_for_that_says_who_holds_the_vm(
    face: str, simulator: Simulator, service: Any, name: str, tmp_path: Path
) -> None:
    """Where the server takes the call, and finds out while it prepares the lease."""
    vm = find(service, name)
    with nfclease.HttpNfcLease(vm.ExportVm()) as other:
        other.wait_ready(10)
        [held] = blocking_tasks(vm)
        simulator.inject("init_error", fault="vim.fault.TaskInProgress", count=1)
        with pytest.raises(nfclease.LeaseInitError) as caught:
            export(face, vm, tmp_path / "out")
        other.Abort()
    assert caught.value.fault_name == "TaskInProgress"
    assert f"the VM {name} ({vm._moId}) is held by {held.key}: " in str(caught.value)
