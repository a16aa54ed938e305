"""The property collector, the inventory, and waiting for updates, as pyvmomi sees them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl
from pyVmomi.VmomiSupport import ManagedObject

from ..support.inventory import find

_api: Any = vmodl.query.PropertyCollector


def reading(obj: Any, kind: Any, *paths: str, select: Any = (), skip: bool = False) -> Any:
    """A FilterSpec for one object, and what is behind it."""
    return _api.FilterSpec(
        objectSet=[_api.ObjectSpec(obj=obj, skip=skip, selectSet=list(select))],
        propSet=[_api.PropertySpec(type=kind, pathSet=list(paths), all=not paths)],
    )


def values(contents: Any) -> dict[str, Any]:
    [content] = contents
    return {prop.name: prop.val for prop in content.propSet}


def collector(service: Any) -> Any:
    return service.content.propertyCollector


def test_every_object_can_be_read_whole(service: Any) -> None:
    content = service.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [], True)
    managers = (getattr(content, info.name) for info in content._GetPropertyList())
    objects = [one for one in managers if isinstance(one, ManagedObject)]
    for managed in [service, *objects, view, *view.view]:
        found = values(collector(service).RetrieveContents([reading(managed, type(managed))]))
        if isinstance(managed, vim.ManagedEntity):
            assert found["name"] == managed.name
    view.Destroy()


@pytest.mark.parametrize(
    "path", ["nope", "config.nope", "parent.name", "config..name", "config.hardware.device.key"]
)
def test_a_path_that_leads_nowhere_is_named(service: Any, path: str) -> None:
    machine = find(service, vim.VirtualMachine, "demo-vm")
    with pytest.raises(vmodl.query.InvalidProperty) as refused:
        collector(service).RetrieveContents([reading(machine, vim.VirtualMachine, path)])
    assert refused.value.name == path


def test_an_object_that_is_not_there_is_named(service: Any) -> None:
    nobody = vim.VirtualMachine("vm-0", service._stub)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as refused:
        _ = nobody.name
    assert refused.value.obj == nobody


def test_machines_are_found(service: Any) -> None:
    index = service.content.searchIndex
    machine = find(service, vim.VirtualMachine, "demo-vm")
    assert index.FindByInventoryPath("DC0/vm/demo-vm") == machine
    assert index.FindByInventoryPath("DC0/vm/no-vm") is None
    assert index.FindChild(machine.parent, "demo-vm") == machine
    assert index.FindByUuid(None, machine.config.uuid, True) == machine
    assert index.FindByUuid(None, machine.config.instanceUuid, True, True) == machine
    assert index.FindByDnsName(None, "demo-vm", True) is None


def test_updates_come_when_something_changes(service: Any) -> None:
    lease = find(service, vim.VirtualMachine, "demo-vm").ExportVm()
    own = collector(service).CreatePropertyCollector()
    spec = reading(lease, vim.HttpNfcLease, "state", "info", "error")
    own.CreateFilter(spec, True)
    version, seen = "", []
    while "ready" not in seen:
        update = own.WaitForUpdatesEx(version, _api.WaitOptions(maxWaitSeconds=10))
        version = update.version
        changes = update.filterSet[0].objectSet[0].changeSet
        seen += [change.val for change in changes if change.name == "state"]
    assert seen in (["initializing", "ready"], ["ready"])
    began = time.monotonic()
    assert own.WaitForUpdatesEx(version, _api.WaitOptions(maxWaitSeconds=1)) is None
    assert 0.9 < time.monotonic() - began < 5
    assert own.CheckForUpdates(version) is None
    lease.Abort()
    [changed] = own.WaitForUpdates(version).filterSet[0].objectSet
    after = {change.name: change.val for change in changed.changeSet}
    assert after["state"] == "error"
    assert after["info"] is None
    assert isinstance(after["error"], vmodl.fault.RequestCanceled)
    with pytest.raises(vmodl.query.InvalidCollectorVersion):
        own.CheckForUpdates("no version")
    own.Destroy()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        own.CheckForUpdates("")


def test_tasks_are_listed_and_waited_for(service: Any) -> None:
    machine = find(service, vim.VirtualMachine, "running-vm")
    task = machine.CreateSnapshot_Task("one", "", False, False)
    assert task in service.content.taskManager.recentTask
    WaitForTask(task, si=service)
    snapshot = task.info.result
    [root] = machine.rootSnapshot  # the one that is there from the start
    assert snapshot in root.childSnapshot
    WaitForTask(snapshot.RemoveSnapshot_Task(False), si=service)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = snapshot.config


def test_the_session_is_shown_and_ends(service: Any, simulator: Any) -> None:
    manager = service.content.sessionManager
    key = manager.currentSession.key
    assert manager.SessionIsActive(key, simulator.user)
    assert key in [session.key for session in manager.sessionList]
    machine = find(service, vim.VirtualMachine, "demo-vm")
    manager.Logout()
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = machine.name
    assert manager.currentSession is None
    manager.Login(simulator.user, simulator.password)
    assert machine.name == "demo-vm"
