from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nfclease.simulator import Simulator
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk

from .support.calls import by_path, disks, get, manifest, ready, request, wait_until
from .support.imports import CREATE, VMDK, descriptor, import_spec, open_import, url_of


def missing(service: Any, name: str) -> bool:
    return service.content.searchIndex.FindByInventoryPath(f"DC0/vm/{name}") is None


def test_there_and_back(simulator: Simulator, service: Any, demo_vm: Any, lease: Any) -> None:
    package = {url.key: get(url.url) for url in lease.info.deviceUrl}
    files = [
        vim.OvfManager.OvfFile(deviceId=url.key, path=url.targetId, size=len(package[url.key]))
        for url in lease.info.deviceUrl
    ]
    named = {url.targetId: package[url.key] for url in lease.info.deviceUrl}
    text = descriptor(service, demo_vm, ovfFiles=files, name="round trip")
    lease.Complete()
    spec = import_spec(service, text, "there & back")
    assert spec.importSpec.configSpec.name == "there & back"
    kinds = {item.path: (item.cimType, item.create, item.size) for item in spec.fileItem}
    assert kinds == {
        name: ({"vmdk": 17, "iso": 15}.get(name[-4:].strip("."), 1), name[-4:] != "vmdk", len(data))
        for name, data in named.items()
    }
    upload = ready(demo_vm.resourcePool.ImportVApp(spec.importSpec, demo_vm.parent))
    created = upload.info.entity
    assert created.name == "there & back"
    for item in spec.fileItem:
        url, data = url_of(upload, item), named[item.path]
        method, headers = ("PUT", CREATE) if item.create else ("POST", VMDK)
        assert url.importKey.startswith("/there & back/")
        response, _ = request(method, url.url, data, headers)
        assert response.status == (201 if item.create else 200)
        entry = manifest(upload)[url.key]
        assert (entry.size, entry.sha1) == (len(data), hashlib.sha1(data).hexdigest())
    upload.Complete()
    assert upload.state == "done"
    received = {(file["size"], file["sha1"]) for file in simulator.vm_files("there & back")}
    assert received == {(len(data), hashlib.sha1(data).hexdigest()) for data in named.values()}
    again = ready(created.ExportVm())
    assert len(disks(again)) == 3
    again.Complete()
    created.Destroy()
    wait_until(lambda: missing(service, "there & back"))


@pytest.mark.parametrize("how", ["abort", "expire"])
def test_a_failed_import_leaves_nothing(simulator: Simulator, service: Any, how: str) -> None:
    lease, _ = open_import(service, "half-made")
    entity = lease.info.entity
    assert not missing(service, "half-made")
    if how == "abort":
        lease.Abort(vmodl.fault.SystemError(reason="given up"))
    else:
        simulator.expire(lease._moId)
    assert missing(service, "half-made")
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = entity.name


def test_a_name_is_taken_once(service: Any) -> None:
    vm = by_path(service, "vm/demo-vm")
    spec = import_spec(service, descriptor(service, vm), "demo-vm")
    with pytest.raises(vim.fault.DuplicateName) as refused:
        vm.resourcePool.ImportVApp(spec.importSpec, vm.parent)
    assert refused.value.object == vm


def test_refused_uploads(service: Any) -> None:
    lease, items = open_import(service, "refused")
    disk = url_of(lease, next(item for item in items if not item.create)).url
    iso = url_of(lease, next(item for item in items if item.create)).url
    stream = b"".join(StreamOptimizedDisk(1 << 20).chunks())
    wrong_type = {"Content-Type": "application/octet-stream"}

    def status(*args: Any) -> int:
        return request(*args)[0].status

    assert status("POST", iso, b"iso", CREATE) == 405
    assert status("PUT", iso, b"iso", {}) == 403
    assert status("POST", disk, stream, wrong_type) == 500
    assert status("POST", disk, iter([stream]), VMDK) == 500  # chunked, no length
    assert status("POST", disk, b"no stream" * 100, VMDK) == 500
    assert status("GET", disk, None, {}) == 405
    assert lease.GetManifest() == []
    assert status("PUT", disk, stream, {**VMDK, "Overwrite": "t"}) == 201
    assert status("PUT", iso, b"iso", CREATE) == 201
    assert status("PUT", iso, b"other", CREATE) == 201
    assert [entry.size for entry in lease.GetManifest()] == [len(stream), 5]
    lease.Abort()


def test_a_vapp(service: Any) -> None:
    vapp = by_path(service, "vm/demo-vapp")
    text = descriptor(service, vapp)
    assert "VirtualSystemCollection" in text
    text = text.replace("vapp-vm", "other-vm")
    spec = import_spec(service, text, "other-vapp")
    assert isinstance(spec.importSpec, vim.vApp.VAppImportSpec)
    lease = ready(by_path(service, "vm/demo-vm").resourcePool.ImportVApp(spec.importSpec))
    assert isinstance(lease.info.entity, vim.VirtualApp)
    assert [vm.name for vm in lease.info.entity.vm] == ["other-vm"]
    lease.Abort()
    assert missing(service, "other-vapp")


def test_a_descriptor_lists_what_it_is_told(service: Any, demo_vm: Any) -> None:
    key = f"/{demo_vm._moId}/ParaVirtualSCSIController0:1"
    one = [vim.OvfManager.OvfFile(deviceId=key, path="a&b.vmdk", size=7, populatedSize=5)]
    text = descriptor(service, demo_vm, ovfFiles=one)
    assert text.count("<File ") == text.count("<Disk ") == 1
    assert 'ovf:href="a&amp;b.vmdk" ovf:size="7"' in text
    assert 'ovf:populatedSize="5"' in text
    assert "nvram" not in text
    placeholders = descriptor(service, demo_vm, includeImageFiles=False)
    assert placeholders.count("<File ") == 4
    unknown = [vim.OvfManager.OvfFile(deviceId="/vm-0/none", path="x", size=1)]
    result = service.content.ovfManager.CreateDescriptor(
        demo_vm, vim.OvfManager.CreateDescriptorParams(ovfFiles=unknown)
    )
    assert result.error
    assert not result.ovfDescriptor


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("</Envelope>", "", vim.fault.OvfXmlFormat),
        ("<Envelope", '<!DOCTYPE a [<!ENTITY b "c">]><Envelope', vim.fault.OvfXmlFormat),
        ("VirtualSystem", "Other", vim.fault.OvfMissingElement),
        ('ovf:fileRef="file2"', 'ovf:fileRef="none"', vim.fault.OvfInvalidValue),
        ("ovf:/disk/vmdisk1<", "ovf:/disk/none<", vim.fault.OvfInvalidValue),
        ('ovf:diskId="vmdisk1"', "", vim.fault.OvfMissingAttribute),
    ],
)
def test_broken_descriptors(service: Any, demo_vm: Any, old: str, new: str, error: Any) -> None:
    text = descriptor(service, demo_vm)
    assert old in text
    broken = text.replace(old, new)
    result = import_spec(service, broken, "broken")
    assert [type(one) for one in result.error] == [error]
    assert result.importSpec is None
    parsed = service.content.ovfManager.ParseDescriptor(
        text, vim.OvfManager.ParseDescriptorParams(locale="", deploymentOption="")
    )
    assert (parsed.defaultEntityName, [n.name for n in parsed.network]) == (
        "demo-vm",
        ["VM Network"],
    )


def test_lsilogic_keys(service: Any, demo_vm: Any) -> None:
    text = descriptor(service, demo_vm).replace("VirtualSCSI<", "lsilogic<")
    items = import_spec(service, text, "demo-import").fileItem
    assert "/demo-import/VirtualLsiLogicController0:0" in [item.deviceId for item in items]


def test_a_path_from_a_hostile_server(simulator: Simulator, service: Any, demo_vm: Any) -> None:
    simulator.inject("file_item_path", value="../../etc/passwd", count=1)
    text = descriptor(service, demo_vm)
    assert import_spec(service, text, "x").fileItem[0].path == "../../etc/passwd"
    assert import_spec(service, text, "x").fileItem[0].path == "disk-0.iso"


def test_a_delta_comes_after_what_it_patches(service: Any, demo_vm: Any) -> None:
    """Both go to the device whose disk is the delta."""
    text = descriptor(service, demo_vm)
    first, second = re.findall(r'<Disk [^>]*ovf:diskId="(\w+)"', text)[:2]
    text = text.replace(f'ovf:diskId="{second}"', f'ovf:diskId="{second}" ovf:parentRef="{first}"')
    spec = import_spec(service, text, "delta")
    assert not spec.error
    sent: dict[str, list[str]] = {}
    for item in spec.fileItem:
        sent.setdefault(item.deviceId, []).append(item.path)
    [alone, chain] = [paths for paths in sent.values() if paths[0].endswith("1.vmdk")]
    assert len(alone) == 1
    assert chain == [alone[0], chain[1]]
    assert len(spec.fileItem) == len(sent) + 1
