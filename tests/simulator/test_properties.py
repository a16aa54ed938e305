from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from nfclease.simulator import Simulator

from .support.calls import by_path, ready, wait_for_task

Api: Any = vmodl.query.PropertyCollector


def spec(obj: Any, kind: Any, paths: list[str], **options: Any) -> Any:
    return Api.FilterSpec(
        objectSet=[Api.ObjectSpec(obj=obj, **options)],
        propSet=[Api.PropertySpec(type=kind, pathSet=paths)],
    )


def values(content: Any) -> dict[str, Any]:
    return {prop.name: prop.val for prop in content.propSet}


def test_nested_paths(service: Any, demo_vm: Any) -> None:
    paths = ["name", "runtime.powerState", "config.hardware.device", "summary.storage.committed"]
    result = service.content.propertyCollector.RetrievePropertiesEx(
        [spec(demo_vm, vim.VirtualMachine, [*paths, "parentVApp"])], Api.RetrieveOptions()
    )
    [content] = result.objects
    found = values(content)
    assert list(found) == paths  # what is unset is left out
    assert found["runtime.powerState"] == "poweredOff"
    assert isinstance(found["config.hardware.device"][0], vim.vm.device.VirtualDevice)


def test_all_of_them(service: Any, demo_vm: Any) -> None:
    asked = spec(demo_vm, vim.VirtualMachine, [])
    asked.propSet[0].all = True
    [content] = service.content.propertyCollector.RetrieveProperties([asked])
    assert {"name", "config", "runtime", "summary", "datastore"} <= set(values(content))


@pytest.mark.parametrize("path", ["nothing", "config.nothing", "runtime.powerState.nothing"])
def test_no_such_property(service: Any, demo_vm: Any, path: str) -> None:
    with pytest.raises(vmodl.query.InvalidProperty) as refused:
        service.content.propertyCollector.RetrieveProperties(
            [spec(demo_vm, vim.VirtualMachine, [path])]
        )
    assert refused.value.name == path


def traversal(name: str | None, kind: Any, path: str, *then: str) -> Any:
    select = [Api.SelectionSpec(name=other) for other in then]
    return Api.TraversalSpec(name=name, type=kind, path=path, skip=False, selectSet=select)


def test_traversal_with_recursion(service: Any) -> None:
    select = [
        traversal("folders", vim.Folder, "childEntity", "folders", "datacenters"),
        traversal("datacenters", vim.Datacenter, "vmFolder", "folders"),
    ]
    asked = spec(
        service.content.rootFolder, vim.VirtualMachine, ["name"], skip=True, selectSet=select
    )
    contents = service.content.propertyCollector.RetrieveProperties([asked])
    assert {values(content)["name"] for content in contents} == {"demo-vm", "running-vm"}


def test_pages(service: Any) -> None:
    collector = service.content.propertyCollector
    view = service.content.viewManager.CreateContainerView(
        service.content.rootFolder, [vim.ManagedEntity], True
    )
    select = [traversal(None, vim.view.ContainerView, "view")]
    asked = [spec(view, vim.ManagedEntity, ["name"], skip=True, selectSet=select)]
    page = collector.RetrievePropertiesEx(asked, Api.RetrieveOptions(maxObjects=4))
    names = []
    while True:
        assert len(page.objects) <= 4
        names += [values(content)["name"] for content in page.objects]
        if not page.token:
            break
        page = collector.ContinueRetrievePropertiesEx(page.token)
    assert len(names) == len(view.view)
    page = collector.RetrievePropertiesEx(asked, Api.RetrieveOptions(maxObjects=1))
    collector.CancelRetrievePropertiesEx(page.token)
    with pytest.raises(vmodl.fault.InvalidArgument):
        collector.ContinueRetrievePropertiesEx(page.token)
    view.Destroy()


def test_waiting_sees_a_lease_become_ready(service: Any, demo_vm: Any) -> None:
    lease = demo_vm.ExportVm()
    collector = service.content.propertyCollector.CreatePropertyCollector()
    collector.CreateFilter(spec(lease, vim.HttpNfcLease, ["state", "info", "error"]), True)
    version = ""
    seen: dict[str, Any] = {}
    while seen.get("state") != "ready":
        update = collector.WaitForUpdatesEx(version, Api.WaitOptions(maxWaitSeconds=10))
        version = update.version
        [changed] = update.filterSet[0].objectSet
        seen.update({change.name: change.val for change in changed.changeSet})
    assert isinstance(seen["info"], vim.HttpNfcLease.Info)
    begun = time.monotonic()
    nothing = collector.WaitForUpdatesEx(version, Api.WaitOptions(maxWaitSeconds=1))
    assert nothing is None
    assert 0.9 < time.monotonic() - begun < 5
    lease.Abort()
    update = collector.WaitForUpdatesEx(version, Api.WaitOptions(maxWaitSeconds=10))
    changes = {c.name: c.val for c in update.filterSet[0].objectSet[0].changeSet}
    assert changes["state"] == "error"
    assert changes["info"] is None
    assert isinstance(changes["error"], vmodl.fault.RequestCanceled)
    with pytest.raises(vmodl.query.InvalidCollectorVersion):
        collector.WaitForUpdatesEx("999", None)
    collector.Destroy()


def test_a_wait_can_be_cancelled(simulator: Simulator, service: Any, demo_vm: Any) -> None:
    collector = service.content.propertyCollector
    created = collector.CreateFilter(spec(demo_vm, vim.VirtualMachine, ["name"]), True)
    version = collector.WaitForUpdates("").version
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            collector.WaitForUpdates(version)
        except vmodl.fault.RequestCanceled as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)
    assert thread.is_alive()
    collector.CancelWaitForUpdates()
    thread.join(10)
    assert len(raised) == 1
    created.Destroy()


def test_power_and_snapshots(service: Any) -> None:
    vm = by_path(service, "vm/demo-vm")
    assert WaitForTask(vm.PowerOn()) == "success"
    with pytest.raises(vim.fault.InvalidPowerState):
        vm.PowerOn()
    assert WaitForTask(vm.PowerOff()) == "success"
    snapshot = wait_for_task(vm.CreateSnapshot_Task("one", "", memory=False, quiesce=False))
    assert vm.snapshot.currentSnapshot == snapshot
    lease = ready(snapshot.ExportSnapshot())
    assert lease.info.entity == vm
    lease.Complete()
    wait_for_task(snapshot.RemoveSnapshot_Task(removeChildren=False))
    assert vm.snapshot is None
    recent = [task.info.descriptionId for task in service.content.taskManager.recentTask]
    assert "VirtualMachine.powerOnVM" in recent
