"""Import specs that no descriptor was behind."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk
from nfclease.simulator.soap.vsphere import vim

from .support.calls import ready, request
from .support.imports import VMDK, descriptor, import_spec

_d = vim.vm.device


def by_hand(name: str, *disks: Any) -> Any:
    change = _d.VirtualDeviceSpec
    scsi = _d.ParaVirtualSCSIController(key=-1, busNumber=0, sharedBus="noSharing")
    changes = [change(operation="add", device=scsi)]
    for unit, disk in enumerate(disks):
        disk.key, disk.controllerKey, disk.unitNumber = -2 - unit, -1, unit
        changes.append(change(operation="add", fileOperation="create", device=disk))
    config = vim.vm.ConfigSpec(
        name=name, numCPUs=1, memoryMB=64, guestId="otherGuest", deviceChange=changes
    )
    return vim.vm.VmImportSpec(configSpec=config)


def flat(**fields: Any) -> Any:
    return _d.VirtualDisk.FlatVer2BackingInfo(diskMode="persistent", **fields)


@pytest.mark.parametrize("backing", [None, {}, {"fileName": ""}])
def test_each_new_disk_has_a_url(
    simulator: Simulator, demo_vm: Any, backing: dict[str, Any] | None
) -> None:
    made = [
        _d.VirtualDisk(capacityInKB=4096, backing=None if backing is None else flat(**backing))
        for _ in range(2)
    ]
    name = f"by-hand-{backing}"
    lease = ready(demo_vm.resourcePool.ImportVApp(by_hand(name, *made), demo_vm.parent))
    urls = lease.info.deviceUrl
    assert [url.disk for url in urls] == [True, True]
    assert lease.info.totalDiskCapacityInKB == 8192
    stream = b"".join(StreamOptimizedDisk(1 << 20).chunks())
    for url in urls:
        assert request("POST", url.url, stream, VMDK)[0].status == 200
    vm = lease.info.entity
    lease.Complete()
    # Nothing here said capacityInBytes.
    assert vm.summary.storage.uncommitted >= 0
    assert vm.summary.config.numVirtualDisks == 2


def test_without_a_name(demo_vm: Any) -> None:
    with pytest.raises(vim.fault.InvalidName):
        demo_vm.resourcePool.ImportVApp(by_hand(""), demo_vm.parent)


def test_an_nvram_that_is_no_file_of_the_package(service: Any, demo_vm: Any) -> None:
    text = descriptor(service, demo_vm)
    at = text.index("ovf:/file/", text.index('key="nvram"'))
    text = text[:at] + "yVM-IyYH.nvram" + text[text.index('"', at) :]
    spec = import_spec(service, text, "own-nvram")
    assert not spec.error
    assert all(item.cimType != 1 for item in spec.fileItem)
    lease = ready(demo_vm.resourcePool.ImportVApp(spec.importSpec, demo_vm.parent))
    assert len(lease.info.deviceUrl) == len(spec.fileItem)
    lease.Abort()


def test_a_disk_that_is_to_be_empty(service: Any, demo_vm: Any) -> None:
    text = descriptor(service, demo_vm).replace(' ovf:fileRef="file2"', "", 1)
    spec = import_spec(service, text, "one-empty")
    paths = [item.path for item in spec.fileItem]
    assert len(paths) == len(set(paths)) == 4
    lease = ready(demo_vm.resourcePool.ImportVApp(spec.importSpec, demo_vm.parent))
    assert len(lease.info.deviceUrl) == 4
    assert lease.info.entity.summary.config.numVirtualDisks == 3
    lease.Abort()
