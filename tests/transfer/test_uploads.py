"""What an upload is called, and what is said of a source that cannot be the right one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import disk_of, endings, whole_disk


def test_it_has_the_name_of_its_file(
    open_lease: OpenLease, raw: Any, spec: Any, tmp_path: Path
) -> None:
    """Servers call the disks of an import by names of their own."""
    with open_lease(raw) as lease:
        devices = {url.importKey: url for url in lease.wait_ready(10).deviceUrl}
        own = [devices[item.deviceId].url.rpartition("/")[2] for item in spec.fileItem]
        names = [item.path for item in spec.fileItem]
        assert own != names
        assert [lease.upload(item, tmp_path / item.path).name for item in spec.fileItem] == names
        disk = next(url for url in devices.values() if url.disk)
        assert lease.upload(disk, whole_disk()).name == disk.url.rpartition("/")[2]


def test_what_its_disk_holds(
    open_lease: OpenLease, raw: Any, spec: Any, demo_vm: Any, tmp_path: Path
) -> None:
    """Both ways the same is found."""
    with open_lease(raw) as lease:
        lease.wait_ready(10)
        sent = [lease.upload(item, tmp_path / item.path) for item in spec.fileItem]
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        received = [lease.download(url, io.BytesIO()) for url in lease.info.deviceUrl]
    holds = {result.name: (result.capacity, result.populated_size) for result in received}
    assert {result.name: (result.capacity, result.populated_size) for result in sent} == holds
    assert len([name for name, (capacity, used) in holds.items() if capacity and used]) > 1


def test_so_have_its_errors(open_lease: OpenLease, raw: Any, spec: Any) -> None:
    item = next(item for item in spec.fileItem if item.path == "disk-2.vmdk")
    item.path = "folder/disk-2.vmdk"
    with (
        pytest.raises(nfclease.HttpStatusError, match=r"^disk-2\.vmdk at "),
        open_lease(raw, verify_format=False, verify_size=False) as lease,
    ):
        lease.wait_ready(10)
        lease.upload(item, b"<html>" * 1000)


def test_an_empty_disk(open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any) -> None:
    """Its sum would agree, and the lease be completed."""
    item = next(item for item in spec.fileItem if item.path == "disk-1.vmdk")
    with pytest.raises(nfclease.DiskFormatError, match="empty"), open_lease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, b"")
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_transfer_that_is_cancelled_before_its_turn(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=4096)
    lease = open_lease(demo_vm.ExportVm(), max_concurrency=1)
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
