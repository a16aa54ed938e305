"""The stall watchdog: a silent host ends a transfer, a slow one does not."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..conftest import DISK_SIZE, disk_of, endings, find, unique, whole_disk

BOTH_FACES = True


def import_lease(service: Any, directory: Path, name: str) -> tuple[Any, Any, Path]:
    """An import of one disk of the demo VM: its lease, its item, its file."""
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with HttpNfcLease(vm.ExportVm()) as lease:
        disk = disk_of(lease)
        result = lease.download(disk, directory / "source.vmdk")
    files = [vim.OvfManager.OvfFile(deviceId=disk.key, path="source.vmdk", size=result.bytes)]
    descriptor = service.content.ovfManager.CreateDescriptor(
        obj=vm, cdp=vim.OvfManager.CreateDescriptorParams(name=name, ovfFiles=files)
    )
    spec = service.content.ovfManager.CreateImportSpec(
        descriptor.ovfDescriptor,
        vm.resourcePool,
        vm.datastore[0],
        vim.OvfManager.CreateImportSpecParams(entityName=name),
    )
    [item] = [item for item in spec.fileItem if item.path == "source.vmdk"]
    raw = vm.resourcePool.ImportVApp(spec.importSpec, vm.parent)
    return raw, item, directory / "source.vmdk"


def test_a_silent_download(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=DISK_SIZE // 2)
    vm = find(service, vim.VirtualMachine, "demo-vm")
    began = time.monotonic()
    with (
        pytest.raises(nfclease.StallError),
        HttpNfcLease(vm.ExportVm(), timeout=1.0, max_retries=0) as lease,
    ):
        disk = disk_of(lease)
        lease.download(disk, tmp_path / "disk")
    assert 1.0 <= time.monotonic() - began < 4.0
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_a_silent_upload(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    raw, item, _ = import_lease(service, tmp_path, "silent")
    simulator.reset()
    simulator.inject("stall", method="POST", after_bytes=1 << 20)
    # Larger than all socket buffers between, so that the silence is felt before the last byte.
    source = io.BytesIO(whole_disk(64 << 20))
    began = time.monotonic()
    with (
        pytest.raises(nfclease.StallError),
        HttpNfcLease(raw, timeout=1.0, max_retries=0, verify_size=False) as lease,
    ):
        lease.wait_ready(10)
        lease.upload(item, source)
    assert 1.0 <= time.monotonic() - began < 6.0
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_slow_upload_outlives_the_timeout(
    simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    raw, item, path = import_lease(service, tmp_path, unique("slow"))
    simulator.reset()
    simulator.inject("bandwidth", method="POST", bytes_per_second=DISK_SIZE / 4)
    with HttpNfcLease(raw, timeout=1.0, max_retries=0) as lease:
        lease.wait_ready(10)
        result = lease.upload(item, path)
    assert result.seconds > 3.0
    assert result.verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
