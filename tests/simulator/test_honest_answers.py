"""What was asked was followed, all of it, or the call was refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from pyVim.connect import Disconnect

from nfclease.simulator import Simulator
from nfclease.simulator.soap.vsphere import vim, vmodl

from .support.calls import by_path, ready, running, wait_for_task
from .support.imports import descriptor, import_spec

_d = vim.vm.device
_Browser = vim.host.DatastoreBrowser


@pytest.fixture
def vm(simulator: Simulator, service: Any, request: pytest.FixtureRequest) -> Any:
    name = request.node.name.partition("[")[0].removeprefix("test_") + str(id(request))
    simulator.add_vm(name, disks=2)
    return by_path(service, f"vm/{name}")


def test_a_list_view_names_what_it_cannot_show(service: Any, demo_vm: Any) -> None:
    views = service.content.viewManager
    view = views.CreateListView([demo_vm])
    nobody = vim.VirtualMachine("vm-0", service._stub)
    assert view.ModifyListView([nobody, demo_vm], []) == [nobody]
    assert view.view == [demo_vm]
    assert view.ResetListView([nobody]) == [nobody]
    assert view.view == []


def test_hosts_are_found_as_hosts(service: Any, demo_vm: Any) -> None:
    index, host = service.content.searchIndex, demo_vm.runtime.host
    uuid = host.hardware.systemInfo.uuid
    address = host.config.network.vnic[0].spec.ip.ipAddress
    assert index.FindByUuid(None, uuid, False, None) == host
    assert index.FindByDnsName(None, host.name, False) == host
    assert index.FindByIp(None, address, False) == host
    for found in (
        index.FindByUuid(None, uuid, True, None),
        index.FindByUuid(None, demo_vm.config.uuid, False, None),
        index.FindByDnsName(None, host.name, True),
        index.FindByIp(None, address, True),
    ):
        assert found is None
    assert index.FindByUuid(None, demo_vm.config.uuid, True, False) == demo_vm


def test_a_terminated_session_takes_its_views_along(simulator: Simulator, service: Any) -> None:
    other = simulator.connect()
    view = other.content.viewManager.CreateListView([])
    key = other.content.sessionManager.currentSession.key
    manager = service.content.sessionManager
    assert manager.SessionIsActive(key, simulator.user)
    assert not manager.SessionIsActive(key, "somebody else")
    manager.TerminateSession([key])
    assert not manager.SessionIsActive(key, simulator.user)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = vim.view.ListView(view._moId, service._stub).view


def test_tasks_are_chosen_by_entity_and_state(service: Any, vm: Any) -> None:
    manager, api = service.content.taskManager, vim.TaskFilterSpec

    def chosen(**fields: Any) -> list[tuple[str, str]]:
        collector = manager.CreateCollectorForTasks(api(**fields))
        return [(info.entityName, info.state) for info in collector.ReadNextTasks(1000)]

    wait_for_task(vm.CreateSnapshot_Task("s", "", False, False))
    collector = manager.CreateCollectorForTasks(
        api(entity=api.ByEntity(entity=vm, recursion="self"))
    )
    lease = ready(vm.ExportVm())
    assert [info.state for info in collector.ReadNextTasks(9)] == ["success", "running"]
    for recursion, entity in (("self", vm), ("children", vm.parent)):
        found = chosen(entity=api.ByEntity(entity=entity, recursion=recursion))
        assert [one for one in found if one[0] == vm.name] == [
            (vm.name, "success"),
            (vm.name, "running"),
        ]
    root = api.ByEntity(entity=service.content.rootFolder, recursion="self")
    assert chosen(entity=root) == []
    assert (vm.name, "success") not in chosen(state=["running"])
    lease.Abort()
    with pytest.raises(vmodl.fault.NotSupported, match="userName"):
        chosen(userName=api.ByUsername(systemUser=False, userList=["root"]))


def test_a_task_says_whether_it_can_be_cancelled(service: Any, vm: Any) -> None:
    plain = vm.CreateSnapshot_Task("s", "", False, False)
    assert not plain.info.cancelable
    with pytest.raises(vim.fault.InvalidState):
        plain.CancelTask()
    wait_for_task(plain)
    lease = ready(vm.ExportVm())
    [task] = running(vm)
    assert (task.info.cancelable, task.info.cancelled) == (True, False)
    task.CancelTask()
    assert (task.info.cancelable, task.info.cancelled, lease.state) == (False, True, "error")


def test_a_vm_is_switched_on_where_there_is_a_host(service: Any, vm: Any) -> None:
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        vm.PowerOnVM_Task(vim.HostSystem("host-0", service._stub))
    wait_for_task(vm.PowerOnVM_Task(vm.runtime.host))
    assert vm.runtime.powerState == "poweredOn"


@pytest.mark.parametrize("memory", [True, False])
def test_a_snapshot_with_memory_runs_again(service: Any, vm: Any, memory: bool) -> None:
    wait_for_task(vm.PowerOnVM_Task())
    snapshot = wait_for_task(vm.CreateSnapshot_Task("s", "", memory, False))
    wait_for_task(vm.PowerOffVM_Task())
    state = "poweredOn" if memory else "poweredOff"
    assert vm.snapshot.rootSnapshotList[0].state == state
    wait_for_task(snapshot.RevertToSnapshot_Task())
    assert vm.runtime.powerState == state
    wait_for_task(snapshot.RevertToSnapshot_Task(None, True))
    assert vm.runtime.powerState == "poweredOff"


def test_a_vapp_keeps_what_its_import_says(service: Any) -> None:
    vapp = by_path(service, "vm/demo-vapp")
    spec = import_spec(service, descriptor(service, vapp), "configured").importSpec
    asked = spec.vAppConfigSpec
    asked.annotation, asked.instanceUuid, asked.eula = "why", "1-2", ["yes"]
    asked.installBootStopDelay = 7
    section = vim.vApp.OvfSectionInfo(namespace="urn:x", type="Y", contents="<z/>")
    asked.ovfSection = [vim.vApp.OvfSectionSpec(operation="add", info=section)] * 2
    lease = ready(vapp.parent.ImportVApp(spec, vapp.parentFolder))
    made = lease.info.entity.vAppConfig
    assert (made.annotation, made.instanceUuid, made.eula) == ("why", "1-2", ["yes"])
    assert made.installBootStopDelay == 7
    assert [(one.key, one.contents) for one in made.ovfSection] == [(0, "<z/>"), (1, "<z/>")]
    lease.Abort()


def test_an_import_is_refused_into_what_is_no_folder(service: Any, demo_vm: Any) -> None:
    spec = import_spec(service, descriptor(service, demo_vm), "nowhere").importSpec
    pool = demo_vm.resourcePool
    moid, stub = demo_vm._moId, service._stub
    for folder, host in (
        (vim.Folder(moid, stub), None),
        (demo_vm.parent, vim.HostSystem(moid, stub)),
    ):
        with pytest.raises(vmodl.fault.InvalidArgument):
            pool.ImportVApp(spec, folder, host)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        pool.ImportVApp(spec, demo_vm.parent, vim.HostSystem("host-0", stub))


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"profile": [vim.vm.DefaultProfileSpec()]}, vmodl.fault.NotSupported),
        ({"fileOperation": "replace"}, vim.fault.InvalidDeviceSpec),
    ],
)
def test_a_device_change_is_followed_or_refused(vm: Any, fields: Any, fault: Any) -> None:
    [disk, *_] = [d for d in vm.config.hardware.device if isinstance(d, _d.VirtualDisk)]
    change = _d.VirtualDeviceSpec(operation="edit", device=disk, **fields)
    with pytest.raises(fault):
        wait_for_task(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))


def test_a_descriptor_of_a_snapshot_has_what_the_vm_had(service: Any, vm: Any) -> None:
    snapshot = wait_for_task(vm.CreateSnapshot_Task("s", "", False, False))
    disk = next(d for d in vm.config.hardware.device if isinstance(d, _d.VirtualDisk))
    change = _d.VirtualDeviceSpec(operation="remove", device=disk)
    spec = vim.vm.ConfigSpec(deviceChange=[change], annotation="later")
    wait_for_task(vm.ReconfigVM_Task(spec))
    name = "{http://schemas.dmtf.org/ovf/envelope/1}Disk"
    now = descriptor(service, vm)
    then = descriptor(service, vm, snapshot=snapshot)
    assert [len(ET.fromstring(text).findall(f".//{name}")) for text in (now, then)] == [1, 2]
    assert ("later" in now, "later" in then) == (True, False)
    with pytest.raises(vmodl.fault.InvalidArgument):
        descriptor(service, by_path(service, "vm/demo-vm"), snapshot=snapshot)


def test_an_export_option_is_followed_and_an_unknown_one_passed_over(service: Any, vm: Any) -> None:
    """A real server ignores those that it does not know."""
    manager = service.content.ovfManager
    assert {"mac", "uuid", "extraconfig"} < {one.option for one in manager.ovfExportOption}
    options = [vim.option.OptionValue(key="a.b", value="1")]
    wait_for_task(vm.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=options)))
    [card] = [d for d in vm.config.hardware.device if isinstance(d, _d.VirtualEthernetCard)]
    shown = {
        "mac": f"<rasd:Address>{card.macAddress}<",
        "uuid": f'vmw:key="uuid" vmw:value="{vm.config.uuid}"',
        "extraconfig": 'vmw:key="a.b" vmw:value="1"',
        "nonsense": "nonsense",
    }
    for option in shown:
        text = descriptor(service, vm, exportOption=[option])
        assert [text.count(one) for one in shown.values()] == [
            int(name == option != "nonsense") for name in shown
        ]
    plain = descriptor(service, vm)
    assert "ResourceSubType" in plain
    assert "ResourceSubType" not in descriptor(service, vm, exportOption=["nodevicesubtypes"])
    spec = import_spec(service, descriptor(service, vm, exportOption=["mac", "extraconfig"]), "m")
    changed = [change.device for change in spec.importSpec.configSpec.deviceChange]
    assert card.macAddress in [getattr(device, "macAddress", None) for device in changed]
    assert "a.b" in [option.key for option in spec.importSpec.configSpec.extraConfig]


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, {"nvram", "vmdk", "vmx"}),
        ({"query": [_Browser.VmDiskQuery()]}, {"vmdk"}),
        ({"query": [_Browser.VmConfigQuery(), _Browser.VmNvramQuery()]}, {"nvram", "vmx"}),
        ({"query": [_Browser.FolderQuery()]}, set()),
        ({"matchPattern": ["*.VMDK"]}, set()),
        ({"matchPattern": ["*.VMDK"], "searchCaseInsensitive": True}, {"vmdk"}),
    ],
)
def test_a_datastore_is_searched_for_kinds(vm: Any, fields: Any, names: set[str]) -> None:
    [store] = vm.datastore
    spec = _Browser.SearchSpec(**fields)
    found = wait_for_task(store.browser.SearchDatastore_Task(f"[{store.name}] {vm.name}", spec))
    assert {one.path.rpartition(".")[2] for one in found.file} == names


def test_the_one_user_is_in_one_domain_and_no_group(simulator: Simulator, service: Any) -> None:
    directory = service.content.userDirectory
    user, _, domain = simulator.user.partition("@")

    def found(**fields: Any) -> int:
        given: dict[str, Any] = {
            "domain": domain,
            "searchStr": user,
            "belongsToGroup": None,
            "belongsToUser": None,
            "exactMatch": True,
            "findUsers": True,
            "findGroups": True,
        }
        return len(directory.RetrieveUserGroups(**{**given, **fields}))

    assert found() == found(searchStr=user.upper()) == found(domain=None) == 1
    assert found(domain="elsewhere") == found(belongsToGroup="Administrators") == 0
    assert found(findUsers=False) == 0


def test_a_session_ends_its_own(simulator: Simulator) -> None:
    service = simulator.connect()
    listed = service.content.viewManager.CreateListView([])
    Disconnect(service)
    again = simulator.connect()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = vim.view.ListView(listed._moId, again._stub).view
    Disconnect(again)
