"""Names with a slash, and what faults say."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.soap.vsphere import vim, vmodl

from .support.calls import by_path, get, ready, wait_for_task
from .support.imports import descriptor, import_spec


def test_a_slash_in_a_name_is_escaped(simulator: Simulator, service: Any) -> None:
    simulator.add_vm("a/b", disks=1)
    vm = by_path(service, "vm/a%2fb")
    assert (vm.name, vm.config.name) == ("a%2fb", "a%2fb")
    lease = ready(vm.ExportVm())
    for url in lease.info.deviceUrl:
        assert get(url.url)
        assert "/" not in url.targetId
    lease.Complete()
    assert simulator.vm_files("a/b") == simulator.vm_files("a%2fb")


@pytest.mark.parametrize(
    ("given", "kept"), [("c/d", "c%2fd"), ("c%2Fd2", "c%2Fd2"), ("5%", "5%25"), ("x\\y", "x%5cy")]
)
def test_an_import_escapes_too(service: Any, demo_vm: Any, given: str, kept: str) -> None:
    spec = import_spec(service, descriptor(service, demo_vm), given)
    lease = ready(demo_vm.resourcePool.ImportVApp(spec.importSpec, demo_vm.parent))
    assert lease.info.entity.name == kept
    assert {url.importKey for url in lease.info.deviceUrl} == {
        item.deviceId for item in spec.fileItem
    }
    lease.Abort()


def test_a_name_is_given_once(simulator: Simulator, service: Any) -> None:
    simulator.add_vm("renamed", disks=1)
    vm = by_path(service, "vm/renamed")
    with pytest.raises(vim.fault.DuplicateName) as refused:
        wait_for_task(vm.Rename_Task("demo-vm"))
    assert refused.value.msg == "The name 'demo-vm' already exists."
    with pytest.raises(vim.fault.InvalidName):
        wait_for_task(vm.Rename_Task(""))
    wait_for_task(vm.Rename_Task("re/named"))
    assert vm.name == "re%2fnamed"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("vim.fault.DuplicateName", "The name '' already exists."),
        ("vim.fault.FileNotFound", "File  was not found"),
        ("vmodl.fault.HostNotConnected", "since it is disconnected"),
        ("vim.fault.NoHost", "No host"),
        ("vmodl.fault.NotSupported", "The operation is not supported on the object."),
        ("vmodl.fault.SystemError", "A general system error occurred: "),
    ],
)
def test_each_fault_has_its_own_message(
    simulator: Simulator, service: Any, kind: str, text: str
) -> None:
    simulator.inject("soap_fault", method="CurrentTime", fault=kind, count=1)
    with pytest.raises(vmodl.MethodFault) as refused:
        service.CurrentTime()
    assert text in refused.value.msg


def test_a_fault_that_is_none_is_refused_at_once(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match=r"no fault type 'vim\.fault\.Tired'"):
        simulator.inject("soap_fault", fault="vim.fault.Tired")


def test_a_fault_of_a_lease_has_its_message_too(simulator: Simulator, demo_vm: Any) -> None:
    simulator.inject("init_error", fault="vim.fault.FileLocked", count=1)
    lease = demo_vm.ExportVm()
    while lease.state == "initializing":
        pass
    assert lease.error.msg == "Unable to access file  since it is locked"
    simulator.reset()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as refused:
        vim.VirtualMachine("vm-0", demo_vm._stub).name  # noqa: B018
    assert refused.value.msg.startswith("The object 'vim.VirtualMachine:vm-0' has already been")
