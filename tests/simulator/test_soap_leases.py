"""What a lease blocks, what its calls answer, and what an import makes and takes back."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nfclease.simulator import Simulator

from ..support.inventory import find
from .support.calls import ready, running


@pytest.mark.parametrize("wait", [False, True], ids=["initializing", "ready"])
def test_a_lease_blocks_its_vm(service: Any, wait: bool) -> None:
    machine = find(service, vim.VirtualMachine, "demo-vm")
    lease = machine.ExportVm()
    if wait:
        ready(lease)
    relocate = vim.vm.RelocateSpec()
    blocked = [
        machine.PowerOn,
        machine.Destroy,
        lambda: machine.CreateSnapshot_Task("s", "", False, False),
        lambda: machine.RelocateVM_Task(relocate),
    ]
    for method in blocked:
        with pytest.raises(vim.fault.TaskInProgress):
            method()
    lease.Abort()
    machine.ExportVm().Abort()  # it is free again


def test_a_snapshot_is_kept_while_it_is_exported(service: Any) -> None:
    machine = find(service, vim.VirtualMachine, "running-vm")
    snapshot = machine.snapshot.currentSnapshot
    lease = ready(snapshot.ExportSnapshot())
    assert lease.info.entity == machine
    with pytest.raises(vim.fault.TaskInProgress):
        snapshot.RemoveSnapshot_Task(False)
    lease.Complete()


def test_the_task_of_a_lease_lasts_as_long_as_the_lease(service: Any) -> None:
    machine = find(service, vim.VirtualMachine, "demo-vm")
    lease = ready(machine.ExportVm())
    [task] = running(machine)
    lease.Progress(42)
    assert (lease.transferProgress, task.info.progress) == (42, 42)
    lease.Complete()
    assert task.info.state == "success"
    lease = ready(machine.ExportVm())
    [task] = running(machine)
    lease.Abort(vim.fault.FileFault(msg="disk full", file="a.vmdk"))
    assert task.info.state == "error"
    assert (type(lease.error), lease.error.file) == (vim.fault.FileFault, "a.vmdk")


def test_properties_and_calls_of_a_lease_that_is_over(service: Any) -> None:
    machine = find(service, vim.VirtualMachine, "demo-vm")
    lease = ready(machine.ExportVm())
    assert (lease.initializeProgress, lease.mode, lease.error) == (100, "pushOrGet", None)
    lease.Complete()
    assert (lease.state, lease.info, lease.error) == ("done", None, None)
    for method in (lease.Complete, lease.Abort, lease.GetManifest):
        with pytest.raises(vim.fault.InvalidState):
            method()


def test_calls_on_an_expired_lease_time_out(service: Any, simulator: Simulator) -> None:
    lease = ready(find(service, vim.VirtualMachine, "demo-vm").ExportVm())
    simulator.expire(lease._moId)
    assert lease.state == "error"
    assert isinstance(lease.error, vim.fault.Timedout)
    for method in (lease.Complete, lease.Abort, lease.GetManifest, lambda: lease.Progress(1)):
        with pytest.raises(vim.fault.Timedout):
            method()


def test_checksum_types_are_sha1_and_sha256(service: Any) -> None:
    lease = ready(find(service, vim.VirtualMachine, "demo-vm").ExportVm())
    key = lease.info.deviceUrl[0].key
    pair: Any = vim.KeyValue
    lease.SetManifestChecksumType([pair(key=key, value="sha256")])
    for wrong in (pair(key=key, value="md5"), pair(key="/nothing", value="sha1")):
        with pytest.raises(vmodl.fault.InvalidArgument):
            lease.SetManifestChecksumType([wrong])
    lease.Abort()
