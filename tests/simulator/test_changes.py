"""What is said to have been done was done, or was refused: ReconfigVM, RelocateVM, MigrateVM."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.soap.vsphere import vim, vmodl

from .support.calls import by_path, disks, get, ready, wait_for_task

_d = vim.vm.device
_Change = _d.VirtualDeviceSpec


@pytest.fixture
def vm(simulator: Simulator, service: Any, request: pytest.FixtureRequest) -> Any:
    name = request.node.name.partition("[")[0].removeprefix("test_") + str(id(request))
    simulator.add_vm(name, disks=2, iso=True)
    return by_path(service, f"vm/{name}")


def device(vm: Any, label: str) -> Any:
    return next(d for d in vm.config.hardware.device if d.deviceInfo.label == label)


def reconfigure(vm: Any, **fields: Any) -> None:
    wait_for_task(vm.ReconfigVM_Task(vim.vm.ConfigSpec(**fields)))


def test_plain_fields(service: Any, vm: Any) -> None:
    options = [vim.option.OptionValue(key="a", value="1"), vim.option.OptionValue(key="b")]
    reconfigure(
        vm,
        name=f"{vm.name}/2",
        annotation="changed",
        numCPUs=4,
        numCoresPerSocket=2,
        memoryMB=2048,
        guestId="debian12_64Guest",
        firmware="efi",
        extraConfig=options,
        flags=vim.vm.FlagInfo(diskUuidEnabled=True),
        bootOptions=vim.vm.BootOptions(bootDelay=5),
        changeTrackingEnabled=True,
    )
    config = vm.config
    assert config.name.endswith("%2f2")
    assert config.name == vm.name == vm.summary.config.name
    assert (config.annotation, config.guestId) == ("changed", "debian12_64Guest")
    hardware = config.hardware
    assert (hardware.numCPU, hardware.numCoresPerSocket, hardware.memoryMB) == (4, 2, 2048)
    assert (config.firmware, config.changeTrackingEnabled) == ("efi", True)
    assert (config.flags.diskUuidEnabled, config.flags.enableLogging) == (True, True)
    assert (config.bootOptions.bootDelay, config.bootOptions.bootRetryDelay) == (5, 10000)
    values = {option.key: option.value for option in config.extraConfig}
    assert values["a"] == "1"
    assert "b" not in values
    assert by_path(service, f"vm/{vm.name}") == vm


def test_a_disk_is_added_and_exported(vm: Any) -> None:
    controller = device(vm, "SCSI controller 0")
    disk = _d.VirtualDisk(
        key=-1, controllerKey=controller.key, unitNumber=5, capacityInKB=100 << 10
    )
    change = _Change(operation="add", fileOperation="create", device=disk)
    before = vm.config.changeVersion
    reconfigure(vm, deviceChange=[change])
    added = device(vm, "Hard disk 3")
    assert added.capacityInBytes == 100 << 20
    assert added.backing.fileName.endswith("_2.vmdk")
    assert vm.config.changeVersion != before
    assert added.key in device(vm, "SCSI controller 0").device
    lease = ready(vm.ExportVm())
    assert len(disks(lease)) == 3
    for url in disks(lease):
        get(url.url)
    capacities = {entry.capacity for entry in lease.GetManifest() if entry.disk}
    lease.Complete()
    assert 100 << 20 in capacities


def test_a_disk_is_removed(simulator: Simulator, vm: Any) -> None:
    gone = device(vm, "Hard disk 2")
    before = wait_for_task(vm.CreateSnapshot_Task("before", "", False, False))
    reconfigure(vm, deviceChange=[_Change(operation="remove", device=gone)])
    assert len(simulator.vm_files(vm.name)) == 3
    assert vm.summary.config.numVirtualDisks == 1
    lease = ready(before.ExportSnapshot())
    assert len(disks(lease)) == 2
    lease.Complete()
    with pytest.raises(vim.fault.InvalidDeviceSpec):
        reconfigure(vm, deviceChange=[_Change(operation="remove", device=gone)])


def test_a_card_goes_into_another_network(service: Any, vm: Any) -> None:
    card = device(vm, "Network adapter 1")
    other = by_path(service, "network/Lab Network")
    card.backing = _d.VirtualEthernetCard.NetworkBackingInfo(deviceName=other.name, network=other)
    reconfigure(vm, deviceChange=[_Change(operation="edit", device=card)])
    assert vm.network == [other]
    assert vm in other.vm
    changed = device(vm, "Network adapter 1")
    assert changed.backing.deviceName == "Lab Network"
    assert changed.macAddress == card.macAddress


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"cpuAffinity": vim.vm.AffinityInfo(affinitySet=[1])}, None),
        ({"files": vim.vm.FileInfo(vmPathName="[datastore1] other/other.vmx")}, "NotSupported"),
        ({"vmProfile": [vim.vm.DefinedProfileSpec(profileId="x")]}, "NotSupported"),
        ({"changeVersion": "0"}, "ConcurrentAccess"),
        ({"name": "demo-vm"}, "DuplicateName"),
    ],
)
def test_what_is_not_done_is_refused(vm: Any, fields: Any, refused: str | None) -> None:
    before = vm.config.changeVersion
    if refused is None:
        reconfigure(vm, **fields)
        return
    with pytest.raises(vmodl.MethodFault) as caught:
        reconfigure(vm, annotation="half done", **fields)
    assert type(caught.value).__name__.endswith(refused)
    assert (vm.config.annotation, vm.config.changeVersion) == ("", before)


def test_a_disk_keeps_its_size_and_file(vm: Any) -> None:
    larger = device(vm, "Hard disk 1")
    larger.capacityInKB, larger.capacityInBytes = 1 << 30, 1 << 40
    with pytest.raises(vmodl.fault.NotSupported):
        reconfigure(vm, deviceChange=[_Change(operation="edit", device=larger)])
    moved = device(vm, "Hard disk 1")
    moved.backing.fileName = "[datastore1] other.vmdk"
    with pytest.raises(vmodl.fault.NotSupported):
        reconfigure(vm, deviceChange=[_Change(operation="edit", device=moved)])


def test_a_move_within_what_there_is(service: Any, vm: Any) -> None:
    vapp = by_path(service, "vm/demo-vapp")
    wait_for_task(vm.RelocateVM_Task(vim.vm.RelocateSpec(pool=vapp)))
    assert (vm.parentVApp, vm.parent, vm.resourcePool) == (vapp, None, vapp)
    assert vm in vapp.vm
    assert vm not in by_path(service, "vm").childEntity
    pool = vapp.owner.resourcePool
    wait_for_task(vm.MigrateVM_Task(pool, None, "defaultPriority", None))
    assert (vm.parentVApp, vm.resourcePool) == (None, pool)
    assert vm in by_path(service, "vm").childEntity
    assert vm not in vapp.vm


@pytest.mark.parametrize(
    "fields",
    [
        {"profile": [vim.vm.DefinedProfileSpec(profileId="x")]},
        {"disk": [vim.vm.RelocateSpec.DiskLocator(diskId=2000)]},
        {"deviceChange": [_Change()]},
    ],
    ids=["profile", "disk", "deviceChange"],
)
def test_a_move_that_is_none_is_refused(vm: Any, fields: Any) -> None:
    for name in ("disk", "deviceChange"):
        for part in fields.get(name, []):
            if name == "disk":
                part.datastore = vm.datastore[0]
            else:
                part.device = device(vm, "Hard disk 1")
    with pytest.raises(vmodl.fault.NotSupported):
        wait_for_task(vm.RelocateVM_Task(vim.vm.RelocateSpec(**fields)))


def test_a_snapshot_keeps_the_configuration(vm: Any) -> None:
    for name in ("one", "two"):
        wait_for_task(vm.CreateSnapshot_Task(name, "", False, False))
        reconfigure(vm, annotation=f"after {name}")
    [root] = vm.snapshot.rootSnapshotList
    [child] = root.childSnapshotList
    assert (root.name, child.name, vm.snapshot.currentSnapshot) == ("one", "two", child.snapshot)
    assert root.id != child.id
    assert [s.config.annotation for s in (root.snapshot, child.snapshot)] == ["", "after one"]
    assert root.snapshot.childSnapshot == [child.snapshot]
    wait_for_task(root.snapshot.RevertToSnapshot_Task(None, None))
    assert vm.config.annotation == ""
    assert vm.snapshot.currentSnapshot == root.snapshot
    wait_for_task(root.snapshot.RemoveSnapshot_Task(False))
    assert [s.name for s in vm.snapshot.rootSnapshotList] == ["two"]


def test_a_snapshot_goes_with_its_children(vm: Any) -> None:
    for name in ("one", "two"):
        wait_for_task(vm.CreateSnapshot_Task(name, "", False, False))
    [root] = vm.snapshot.rootSnapshotList
    wait_for_task(root.snapshot.RemoveSnapshot_Task(True))
    assert vm.snapshot is None


def test_a_machine_is_found_by_its_file(service: Any, vm: Any) -> None:
    center = by_path(service, "vm").parent
    find = service.content.searchIndex.FindByDatastorePath
    assert find(center, vm.summary.config.vmPathName) == vm
    assert find(center, "[datastore1] none/none.vmx") is None


@pytest.mark.parametrize("name", ["LoginByToken", "LoginBySSPI", "LoginExtensionByCertificate"])
def test_other_logins_are_refused_as_logins(simulator: Simulator, name: str) -> None:
    session = simulator.connect()
    manager = session.content.sessionManager
    manager.Logout()
    arguments = {"LoginBySSPI": ("dG9rZW4=",), "LoginExtensionByCertificate": ("key",)}
    with pytest.raises(vim.fault.InvalidLogin):
        getattr(manager, name)(*arguments.get(name, ()))


def test_a_ticket_is_good_for_one_login(simulator: Simulator, service: Any) -> None:
    ticket = service.content.sessionManager.AcquireCloneTicket()
    other = simulator.connect()
    manager = other.content.sessionManager
    manager.Logout()
    assert manager.CloneSession(ticket).userName == simulator.user
    assert other.CurrentTime()
    with pytest.raises(vim.fault.InvalidLogin):
        manager.CloneSession(ticket)
