"""Every property of every object is read: what the API requires is there, to the last field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.connect import Disconnect

from nfclease.simulator import Simulator
from nfclease.simulator.soap.vsphere import DataObject, ManagedObject, support, vim, vmodl

from .support.calls import ready, wait_for_task

_Collector = vmodl.query.PropertyCollector


def read(service: Any, refs: list[Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """All properties of each object."""
    kinds = {type(ref) for ref in refs}
    spec = _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=ref) for ref in refs],
        propSet=[_Collector.PropertySpec(type=kind, all=True) for kind in kinds],
    )
    for content in service.content.propertyCollector.RetrieveContents([spec]):
        yield content.obj, {prop.name: prop.val for prop in content.propSet}


def lacking(value: Any, where: str, refs: dict[str, Any]) -> Iterator[str]:
    """Where a required field is unset, in a value and all that is in it; collects references."""
    if isinstance(value, ManagedObject):
        refs[value._moId] = value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from lacking(item, f"{where}[{number}]", refs)
    elif isinstance(value, DataObject):
        for info in value._GetPropertyList():
            field = getattr(value, info.name)
            if field is not None:
                yield from lacking(field, f"{where}.{info.name}", refs)
            elif not info.flags & support.F_OPTIONAL:
                yield f"{where}.{info.name}"


def survey(service: Any, refs: list[Any]) -> tuple[list[str], dict[str, Any]]:
    """What is lacking in these objects and in all that they refer to, and all objects."""
    known: dict[str, Any] = {ref._moId: ref for ref in refs}
    missing: list[str] = []
    waiting = list(refs)
    while waiting:
        found: dict[str, Any] = {}
        for ref, values in read(service, waiting):
            name = f"{ref._wsdlName} {ref._moId}"
            for info in type(ref)._GetPropertyList():
                newer = not support.IsChildVersion(service._stub.version, info.version)
                if info.flags & support.F_OPTIONAL or newer or info.name in values:
                    continue
                missing.append(f"{name}.{info.name}")
            for prop, value in values.items():
                missing += lacking(value, f"{name}.{prop}", found)
        waiting = [ref for moid, ref in found.items() if moid not in known]
        known |= found
    return missing, known


@pytest.mark.parametrize(
    "options",
    [{}, {"esx": True}, {"api_version": "6.5"}, {"api_version": "7.0"}],
    ids=["vcenter", "host", "6.5", "7.0"],
)
def test_what_is_required_is_there(options: dict[str, Any]) -> None:
    with Simulator(disk_size="1m", initializing=0, **options) as simulator:
        service = simulator.connect()
        content = service.content
        view = content.viewManager.CreateContainerView(content.rootFolder, [], True)
        machines = [entity for entity in view.view if isinstance(entity, vim.VirtualMachine)]
        off = next(vm for vm in machines if vm.name == "demo-vm")
        wait_for_task(off.CreateSnapshot_Task("now", "", False, False))
        lease = ready(off.ExportVm())
        listed = content.viewManager.CreateListView([off])
        events = content.eventManager.CreateCollectorForEvents(vim.event.EventFilterSpec())
        tasks = content.taskManager.CreateCollectorForTasks(vim.TaskFilterSpec())
        start = [service, view, listed, lease, events, tasks, *view.view]
        missing, known = survey(service, start)
        Disconnect(service)
    assert missing == []
    types = {type(ref) for ref in known.values()}
    assert {vim.vm.Snapshot, vim.Task, vim.EnvironmentBrowser, vim.host.DatastoreBrowser} <= types
    assert len(types) > (45 if options.get("esx") else 60), sorted(kind.__name__ for kind in types)


def test_a_vcenter_has_its_managers(service: Any) -> None:
    content = service.content
    absent = [
        info.name
        for info in content._GetPropertyList()
        if info.name not in ("dynamicType", "dynamicProperty")
        and support.IsChildVersion(service._stub.version, info.version)
        and getattr(content, info.name) is None
    ]
    # These are a single host's.
    assert absent == ["accountManager", "virtualizationManager"]


def test_devices_are_as_vsphere_names_them(demo_vm: Any) -> None:
    config = demo_vm.config
    labels = [device.deviceInfo.label for device in config.hardware.device]
    assert labels == [
        "IDE 0",
        "SCSI controller 0",
        "Hard disk 1",
        "Hard disk 2",
        "Hard disk 3",
        "CD/DVD drive 1",
        "Network adapter 1",
    ]
    by_label = dict(zip(labels, config.hardware.device, strict=True))
    disk, card = by_label["Hard disk 1"], by_label["Network adapter 1"]
    assert disk.deviceInfo.summary == f"{disk.capacityInKB:,} KB"
    assert disk.backing.datastore == demo_vm.datastore[0]
    assert by_label["SCSI controller 0"].device == [2000, 2001, 2002]
    assert card.macAddress.startswith("00:50:56:")
    assert card.backing.network == demo_vm.network[0]
    assert card.deviceInfo.summary == card.backing.deviceName == "VM Network"
    assert (card.connectable.startConnected, card.connectable.connected) == (True, False)
    assert config.bootOptions.bootDelay == 0
    assert config.flags.enableLogging
    assert demo_vm.resourcePool.owner == demo_vm.runtime.host.parent


def test_a_view_of_a_host_has_its_machines(service: Any, demo_vm: Any) -> None:
    host = demo_vm.runtime.host
    views = service.content.viewManager
    view = views.CreateContainerView(host, [vim.VirtualMachine], True)
    assert sorted(vm.name for vm in view.view) == ["demo-vm", "running-vm", "vapp-vm"]
    assert (
        service.content.searchIndex.FindByInventoryPath("DC0/host/Cluster/esx-1.example/demo-vm")
        is None
    )
