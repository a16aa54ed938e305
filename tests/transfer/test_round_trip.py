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

from nfclease import TransferResult
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import descriptor_of, import_one_disk, import_vm, spec_of
from ..support.inventory import DISK_SIZE, demo_vm_of, find, unique
from ..support.leases import disk_of, endings


def export(
    open_lease: OpenLease, service: Any, directory: Path, **options: Any
) -> tuple[list[TransferResult], Any, str]:
    vm = demo_vm_of(service)
    with open_lease(vm.ExportVm(), **options) as lease:
        lease.wait_ready(10)
        results = lease.download_all(directory)
        manifest = lease.GetManifest()
        descriptor = descriptor_of(service, vm, results)
    return results, manifest, descriptor


def test_round_trip(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    results, manifest, descriptor = export(open_lease, service, tmp_path)
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

    name = unique("round-trip")
    spec = spec_of(service, demo_vm, descriptor, name)
    with open_lease(import_vm(demo_vm, spec)) as lease:
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


def test_disks_move_in_parallel(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", disk=".vmdk", bytes_per_second=DISK_SIZE * 2)
    export(open_lease, service, tmp_path)
    disks = [r for r in simulator.requests() if r["path"].endswith(".vmdk")]
    assert len(disks) == 3
    assert max(r["started"] for r in disks) < min(r["ended"] for r in disks)


def test_one_disk_at_a_time(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    export(open_lease, service, tmp_path, max_concurrency=1)
    spans = sorted((r["started"], r["ended"]) for r in simulator.requests())
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_sha256_by_request(open_lease: OpenLease, service: Any, tmp_path: Path) -> None:
    results, manifest, _ = export(open_lease, service, tmp_path, checksum_type="sha256")
    sums = {entry.key: entry for entry in manifest}
    for result in results:
        data = (tmp_path / result.name).read_bytes()
        assert result.checksum_type == sums[result.key].checksumType == "sha256"
        assert result.checksum == hashlib.sha256(data).hexdigest() == sums[result.key].checksum
        assert result.verified == "manifest"


def test_a_file_object_gets_the_bytes(open_lease: OpenLease, demo_vm: Any) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
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


def test_a_file_object_is_called_once_per_4_mib(open_lease: OpenLease, tmp_path: Path) -> None:
    with Simulator(disks=1, disk_size=32 << 20) as simulator:
        service = simulator.connect()
        target = Counted()
        vm = demo_vm_of(service)
        with open_lease(vm.ExportVm()) as lease:
            device_url = disk_of(lease)
            size = lease.download(device_url, target).bytes
        assert target.calls <= -(-size // (4 << 20))
        raw, item, path, _ = import_one_disk(open_lease, service, vm, tmp_path, "counted")
        source = Counted(path.read_bytes())
        with open_lease(raw) as lease:
            lease.wait_ready(10)
            size = lease.upload(item, source).bytes
        assert source.calls <= -(-size // (4 << 20)) + 1, "one more may find the end"
        assert size > 16 << 20
        Disconnect(service)


def test_a_snapshot_and_a_vapp(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    running = find(service, vim.VirtualMachine, "running-vm")
    vapp = find(service, vim.VirtualApp, "demo-vapp")
    for lease in (running.snapshot.currentSnapshot.ExportSnapshot(), vapp.ExportVApp()):
        directory = tmp_path / lease._moId[-8:]
        directory.mkdir()
        with open_lease(lease) as held:
            held.wait_ready(10)
            assert all(r.verified == "manifest" for r in held.download_all(directory))
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 2


def test_overwrite_replaces_only_when_told(
    open_lease: OpenLease, demo_vm: Any, tmp_path: Path
) -> None:
    target = tmp_path / "disk.vmdk"
    target.write_bytes(b"old")
    with open_lease(demo_vm.ExportVm()) as lease:
        device_url = disk_of(lease)
        with pytest.raises(FileExistsError):
            lease.download(device_url, target)
        assert target.read_bytes() == b"old"
        result = lease.download(device_url, target, overwrite=True)
    assert hashlib.sha1(target.read_bytes()).hexdigest() == result.checksum
    assert [path.name for path in tmp_path.iterdir()] == ["disk.vmdk"]


def test_progress_is_told(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    with open_lease(demo_vm.ExportVm()) as lease:
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
