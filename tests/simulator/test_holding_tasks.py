"""Tasks hold a VM while they alter it; snapshots are quiesced where there are tools."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.soap.vsphere import vim

from ..support.inventory import unique
from .support.calls import by_path, ready, running, wait_for_task


@pytest.fixture
def vm(simulator: Simulator, service: Any) -> Any:
    name = unique("held")
    simulator.add_vm(name, disks=1, power="on", tools=True)
    return by_path(service, f"vm/{name}")


def tree(vm: Any) -> Any:
    [found] = vm.snapshot.rootSnapshotList
    return found


@pytest.mark.parametrize("quiesce", [True, False])
def test_tools_quiesce(vm: Any, quiesce: bool) -> None:
    assert vm.guest.toolsRunningStatus == "guestToolsRunning"
    wait_for_task(vm.CreateSnapshot_Task("s", "", False, quiesce))
    assert tree(vm).quiesced == quiesce


def test_tools_quiesce_as_a_spec_says(vm: Any) -> None:
    wait_for_task(vm.CreateSnapshotEx_Task("s", "", False, vim.vm.GuestQuiesceSpec(timeout=5)))
    assert tree(vm).quiesced


def test_without_tools_that_run_quiescing_is_passed_over(service: Any, vm: Any) -> None:
    wait_for_task(vm.PowerOffVM_Task())
    wait_for_task(vm.CreateSnapshot_Task("s", "", False, True))
    assert not tree(vm).quiesced
    without = by_path(service, "vm/running-vm")
    snapshot = wait_for_task(without.CreateSnapshot_Task("s", "", False, True))
    [before] = without.snapshot.rootSnapshotList
    assert [one.quiesced for one in before.childSnapshotList] == [False]
    wait_for_task(snapshot.RemoveSnapshot_Task(False))


def test_a_snapshot_that_takes_its_time_holds_the_vm(simulator: Simulator, vm: Any) -> None:
    simulator.inject("task_delay", method="CreateSnapshot_Task", seconds=1, count=1)
    task = vm.CreateSnapshot_Task("s", "", False, False)
    assert running(vm) == [task]
    with pytest.raises(vim.fault.TaskInProgress) as caught:
        vm.PowerOffVM_Task()
    assert caught.value.task == task
    snapshot = wait_for_task(task)
    assert vm.rootSnapshot == [snapshot]
    assert running(vm) == []
    assert task in vm.recentTask
    wait_for_task(vm.PowerOffVM_Task())


@pytest.mark.parametrize("method", ["CreateSnapshot_Task", "RemoveSnapshot_Task"])
def test_a_task_fails_as_it_is_told(simulator: Simulator, vm: Any, method: str) -> None:
    kind = "vim.fault.FilesystemQuiesceFault"
    simulator.inject("task_error", method=method, fault=kind, message="no", count=1)
    with pytest.raises(vim.fault.FilesystemQuiesceFault) as caught:
        snapshot = wait_for_task(vm.CreateSnapshot_Task("s", "", False, True))
        wait_for_task(snapshot.RemoveSnapshot_Task(False))
    assert caught.value.msg == "no"
    assert bool(vm.snapshot) == (method == "RemoveSnapshot_Task")
    assert running(vm) == []


def test_what_a_lost_lease_holds_can_be_found_and_cancelled(simulator: Simulator) -> None:
    """A client that died left its lease, and with it the VM's task."""
    simulator.add_vm("left", disks=1)
    lost = simulator.connect()
    ready(by_path(lost, "vm/left").ExportVm())
    lost.content.sessionManager.Logout()
    service = simulator.connect()
    vm = by_path(service, "vm/left")
    with pytest.raises(vim.fault.TaskInProgress) as caught:
        vm.Destroy_Task()
    [task] = running(vm)
    assert caught.value.task == task
    info = task.info
    assert (info.descriptionId, info.entity, info.cancelable) == (
        "VirtualMachine.exportVm",
        vm,
        True,
    )
    task.CancelTask()
    wait_for_task(vm.Destroy_Task())
    service.content.sessionManager.Logout()


def test_a_disk_may_hold_much_less_than_its_capacity(simulator: Simulator, service: Any) -> None:
    simulator.add_vm("sparse", disks=1, disk_size=1 << 20, capacity=9 << 30)
    vm = by_path(service, "vm/sparse")
    lease = ready(vm.ExportVm())
    assert lease.info.totalDiskCapacityInKB == 9 << 20
    lease.Abort()
    with pytest.raises(ValueError, match="do not fit"):
        simulator.add_vm("full", disk_size=64 << 20, capacity=1 << 20)
