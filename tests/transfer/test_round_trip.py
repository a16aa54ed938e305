"""Exports and imports that go well: every byte, every sum, every name."""

from __future__ import annotations

import hashlib
import io
import itertools
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease import HttpNfcLease, TransferResult
from nfclease.simulator import Simulator

from ..conftest import DISK_SIZE, disk_of, endings, find, unique
from .test_stall import import_lease

BOTH_FACES = True


def export(service: Any, directory: Path, **options: Any) -> tuple[list[TransferResult], Any, str]:
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with HttpNfcLease(vm.ExportVm(), **options) as lease:
        lease.wait_ready(10)
        results = lease.download_all(directory)
        manifest = lease.GetManifest()
        descriptor = service.content.ovfManager.CreateDescriptor(
            obj=vm,
            cdp=vim.OvfManager.CreateDescriptorParams(
                name=vm.name,
                ovfFiles=[
                    vim.OvfManager.OvfFile(deviceId=r.key, path=r.name, size=r.bytes)
                    for r in results
                ],
            ),
        )
        assert not descriptor.error
    return results, manifest, descriptor.ovfDescriptor


def test_round_trip(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    results, manifest, descriptor = export(service, tmp_path)
    names = [result.name for result in results]
    assert [name.rpartition(".")[2] for name in names] == ["iso", "vmdk", "vmdk", "vmdk", "nvram"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    sums = {entry.key: (entry.size, entry.sha1) for entry in manifest}
    for result in results:
        data = (tmp_path / result.name).read_bytes()
        assert result.verified == "manifest"
        assert sums[result.key] == (len(data), hashlib.sha1(data).hexdigest())
        assert (result.bytes, result.checksum) == sums[result.key]
    assert sum(result.bytes for result in results) > 3 * DISK_SIZE * 0.9

    vm, name = find(service, vim.VirtualMachine, "demo-vm"), unique("round-trip")
    spec = service.content.ovfManager.CreateImportSpec(
        descriptor,
        vm.resourcePool,
        vm.datastore[0],
        vim.OvfManager.CreateImportSpecParams(entityName=name),
    )
    assert not spec.error
    with HttpNfcLease(vm.resourcePool.ImportVApp(spec.importSpec, vm.parent)) as lease:
        lease.wait_ready(10)
        uploads = [lease.start_upload(item, tmp_path / item.path) for item in spec.fileItem]
        uploaded = [upload.result(60) for upload in uploads]
        sums = {entry.key: (entry.size, entry.sha1) for entry in lease.GetManifest()}
    for result, item in zip(uploaded, spec.fileItem, strict=True):
        data = (tmp_path / item.path).read_bytes()
        assert result.verified == "manifest"
        assert sums[result.key] == (len(data), hashlib.sha1(data).hexdigest())
    assert find(service, vim.VirtualMachine, name).name == name
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 2
    sent = [r for r in simulator.requests() if r["method"] in ("POST", "PUT")]
    assert {r["method"] for r in sent} == {"POST", "PUT"}
    for request in sent:
        headers = {name.lower(): value for name, value in request["headers"].items()}
        assert "content-length" in headers
        assert "transfer-encoding" not in headers
        assert (headers.get("overwrite") == "t") == (request["method"] == "PUT")
        disk = request["method"] == "POST"
        assert (headers["content-type"] == "application/x-vnd.vmware-streamVmdk") == disk


def test_disks_move_in_parallel(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    simulator.inject("bandwidth", disk=".vmdk", bytes_per_second=DISK_SIZE * 2)
    export(service, tmp_path)
    disks = [r for r in simulator.requests() if r["path"].endswith(".vmdk")]
    assert len(disks) == 3
    assert max(r["started"] for r in disks) < min(r["ended"] for r in disks)


def test_one_disk_at_a_time(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    export(service, tmp_path, max_concurrency=1)
    spans = sorted((r["started"], r["ended"]) for r in simulator.requests())
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_sha256_by_request(service: Any, tmp_path: Path) -> None:
    results, manifest, _ = export(service, tmp_path, checksum_type="sha256")
    sums = {entry.key: entry for entry in manifest}
    for result in results:
        data = (tmp_path / result.name).read_bytes()
        assert result.checksum_type == sums[result.key].checksumType == "sha256"
        assert result.checksum == hashlib.sha256(data).hexdigest() == sums[result.key].checksum
        assert result.verified == "manifest"


def test_a_file_object_gets_the_bytes(service: Any) -> None:
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with HttpNfcLease(vm.ExportVm()) as lease:
        device_url = disk_of(lease)
        target = io.BytesIO()
        result = lease.download(device_url, target)
    assert hashlib.sha1(target.getvalue()).hexdigest() == result.checksum
    assert result.verified == "manifest"


class Counted(io.BytesIO):
    """A file object that counts how often Python is called."""

    calls = 0

    def write(self, data: Any) -> int:
        self.calls += 1
        return super().write(data)

    def readinto(self, buffer: Any) -> int:
        self.calls += 1
        return super().readinto(buffer)

    def read(self, size: int | None = -1) -> bytes:
        self.calls += 1
        return super().read(size)


def test_a_file_object_is_called_once_per_4_mib(tmp_path: Path) -> None:
    with Simulator(disks=1, disk_size=32 << 20) as simulator:
        service = simulator.connect()
        target = Counted()
        vm = find(service, vim.VirtualMachine, "demo-vm")
        with HttpNfcLease(vm.ExportVm()) as lease:
            device_url = disk_of(lease)
            size = lease.download(device_url, target).bytes
        assert target.calls <= -(-size // (4 << 20))
        raw, item, path = import_lease(service, tmp_path, "counted")
        source = Counted(path.read_bytes())
        with HttpNfcLease(raw) as lease:
            lease.wait_ready(10)
            size = lease.upload(item, source).bytes
        assert source.calls <= -(-size // (4 << 20)) + 1, "one more may find the end"
        assert size > 16 << 20
        Disconnect(service)


def test_a_snapshot_and_a_vapp(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    running = find(service, vim.VirtualMachine, "running-vm")
    vapp = find(service, vim.VirtualApp, "demo-vapp")
    for lease in (running.snapshot.currentSnapshot.ExportSnapshot(), vapp.ExportVApp()):
        directory = tmp_path / lease._moId[-8:]
        directory.mkdir()
        with HttpNfcLease(lease) as held:
            held.wait_ready(10)
            assert all(r.verified == "manifest" for r in held.download_all(directory))
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 2


def test_overwrite_replaces_only_when_told(service: Any, tmp_path: Path) -> None:
    vm = find(service, vim.VirtualMachine, "demo-vm")
    target = tmp_path / "disk.vmdk"
    target.write_bytes(b"old")
    with HttpNfcLease(vm.ExportVm()) as lease:
        device_url = disk_of(lease)
        with pytest.raises(FileExistsError):
            lease.download(device_url, target)
        assert target.read_bytes() == b"old"
        result = lease.download(device_url, target, overwrite=True)
    assert hashlib.sha1(target.read_bytes()).hexdigest() == result.checksum
    assert [path.name for path in tmp_path.iterdir()] == ["disk.vmdk"]


def test_progress_is_told(service: Any, simulator: Simulator, tmp_path: Path) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with HttpNfcLease(vm.ExportVm()) as lease:
        device_url = disk_of(lease)
        transfer = lease.start_download(device_url, tmp_path / "disk.vmdk")
        with pytest.raises(TimeoutError):
            transfer.result(timeout=0.4)
        assert not transfer.done()
        halfway = transfer.progress
        assert 0 < halfway.bytes_done < DISK_SIZE
        assert halfway.bytes_total is None
        result = transfer.result()
    assert transfer.progress.bytes_done == transfer.progress.bytes_total == result.bytes
