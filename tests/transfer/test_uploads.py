"""What an upload is called, and what is said of a source that cannot be the right one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..conftest import disk_of, endings, find, unique, whole_disk

BOTH_FACES = True


@pytest.fixture
def spec(service: Any, tmp_path: Path) -> Any:
    """Of an import of the demo VM, whose exported files lie in `tmp_path`."""
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with HttpNfcLease(vm.ExportVm()) as lease:
        lease.wait_ready(10)
        files = [
            vim.OvfManager.OvfFile(deviceId=result.key, path=result.name, size=result.bytes)
            for result in lease.download_all(tmp_path)
        ]
    ovf = service.content.ovfManager
    named = vim.OvfManager.CreateDescriptorParams(name="x", ovfFiles=files)
    descriptor = ovf.CreateDescriptor(vm, named).ovfDescriptor
    params = vim.OvfManager.CreateImportSpecParams(entityName=unique("uploaded"))
    return ovf.CreateImportSpec(descriptor, vm.resourcePool, vm.datastore[0], params)


@pytest.fixture
def raw(simulator: Simulator, service: Any, spec: Any) -> Any:
    vm = find(service, vim.VirtualMachine, "demo-vm")
    lease = vm.resourcePool.ImportVApp(spec.importSpec, vm.parent)
    simulator.reset()
    return lease


def test_it_has_the_name_of_its_file(raw: Any, spec: Any, tmp_path: Path) -> None:
    """Servers call the disks of an import by names of their own."""
    with HttpNfcLease(raw) as lease:
        devices = {url.importKey: url for url in lease.wait_ready(10).deviceUrl}
        own = [devices[item.deviceId].url.rpartition("/")[2] for item in spec.fileItem]
        names = [item.path for item in spec.fileItem]
        assert own != names
        assert [lease.upload(item, tmp_path / item.path).name for item in spec.fileItem] == names
        disk = next(url for url in devices.values() if url.disk)
        assert lease.upload(disk, whole_disk()).name == disk.url.rpartition("/")[2]


def test_so_have_its_errors(raw: Any, spec: Any) -> None:
    item = next(item for item in spec.fileItem if item.path == "disk-2.vmdk")
    item.path = "folder/disk-2.vmdk"
    with (
        pytest.raises(nfclease.HttpStatusError, match=r"^disk-2\.vmdk at "),
        HttpNfcLease(raw, verify_format=False, verify_size=False) as lease,
    ):
        lease.wait_ready(10)
        lease.upload(item, b"<html>" * 1000)


def test_an_empty_disk(simulator: Simulator, raw: Any, spec: Any) -> None:
    """Its sum would agree, and the lease be completed."""
    item = next(item for item in spec.fileItem if item.path == "disk-1.vmdk")
    with pytest.raises(nfclease.DiskFormatError, match="empty"), HttpNfcLease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, b"")
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_transfer_that_is_cancelled_before_its_turn(
    simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=4096)
    lease = HttpNfcLease(find(service, vim.VirtualMachine, "demo-vm").ExportVm(), max_concurrency=1)
    try:
        disk = disk_of(lease)
        running = lease.start_download(disk, tmp_path / "running")
        waiting = lease.start_download(disk, tmp_path / "waiting")
        waiting.cancel()
        with pytest.raises(nfclease.TransferCancelledError):
            waiting.result(5)
        assert not running.done()
        assert [path.name for path in tmp_path.iterdir()] == ["running.part"]
    finally:
        lease.close()
