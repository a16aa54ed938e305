"""What a server leaves out switches no check off: the first bytes tell what comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import import_one_disk
from ..support.inventory import DISK_SIZE, unique
from ..support.leases import endings, whole_disk


@pytest.fixture
def told_nothing(simulator: Simulator) -> Simulator:
    """Neither what a device is, nor how large, nor its sum."""
    simulator.inject("no_manifest")
    simulator.inject("device_url", fields={"disk": None, "fileSize": None})
    return simulator


CUT = {"after_bytes": DISK_SIZE // 2, "how": "end"}


@pytest.mark.parametrize("name", ["disk-1.vmdk", "disk-1", "DISK-1.VMDK"])
@pytest.mark.parametrize(("fault", "params"), [("cut", CUT), ("html", {})])
def test_a_broken_disk(
    open_lease: OpenLease,
    demo_vm: Any,
    told_nothing: Simulator,
    tmp_path: Path,
    name: str,
    fault: str,
    params: Any,
) -> None:
    told_nothing.inject(fault, disk="disk-1.vmdk", **params)
    raw = demo_vm.ExportVm()
    errors = (nfclease.TruncatedError, nfclease.DiskFormatError, nfclease.ProtocolError)
    with pytest.raises(errors), open_lease(raw, max_retries=0) as lease:
        urls = lease.wait_ready(10).deviceUrl
        [device_url] = [url for url in urls if url.targetId == "disk-1.vmdk"]
        assert device_url.disk is None
        device_url.targetId = name
        lease.download(device_url, tmp_path / "disk")
    assert list(tmp_path.iterdir()) == []
    assert endings(told_nothing) == ["HttpNfcLeaseAbort"]


def test_all_that_is_whole(
    open_lease: OpenLease, demo_vm: Any, told_nothing: Simulator, tmp_path: Path
) -> None:
    raw = demo_vm.ExportVm()
    with open_lease(raw) as lease:
        lease.wait_ready(10)
        results = lease.download_all(tmp_path)
    assert {result.verified for result in results} == {"stream"}
    assert len(results) == 5
    assert endings(told_nothing) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("disk", [None, False])
def test_a_page_in_place_of_a_file(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, disk: bool | None
) -> None:
    simulator.inject("no_manifest")
    simulator.inject("device_url", disk=".nvram", fields={"disk": disk, "fileSize": None})
    simulator.inject("html", disk=".nvram")
    raw = demo_vm.ExportVm()
    with pytest.raises(nfclease.ProtocolError, match="page"), open_lease(raw) as lease:
        nvram = lease.wait_ready(10).deviceUrl[-1]
        lease.download(nvram, tmp_path / "nvram")
    assert list(tmp_path.iterdir()) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_who_means_it(
    open_lease: OpenLease, demo_vm: Any, told_nothing: Simulator, tmp_path: Path
) -> None:
    told_nothing.inject("html", disk="disk-1.vmdk")
    raw = demo_vm.ExportVm()
    with open_lease(raw, verify_format=False) as lease:
        urls = lease.wait_ready(10).deviceUrl
        [device_url] = [url for url in urls if url.targetId == "disk-1.vmdk"]
        assert lease.download(device_url, tmp_path / "disk").verified == "stream"


@pytest.mark.parametrize("by", ["item", "device", "device without a name"])
def test_an_upload(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path, by: str
) -> None:
    simulator.inject("device_url", disk="unset-", fields={"disk": None})
    name = unique("unset")
    raw, item, path, _ = import_one_disk(open_lease, service, demo_vm, tmp_path, name)
    item.size, item.path = None, "disk"
    with open_lease(raw) as lease:
        [url] = [u for u in lease.wait_ready(10).deviceUrl if u.importKey == item.deviceId]
        assert url.disk is None
        to = item if by == "item" else url
        if by == "device without a name":
            url.targetId = "disk"
        with pytest.raises(nfclease.DiskFormatError):
            lease.upload(to, path.read_bytes()[:4096])
        assert lease.upload(to, whole_disk()).verified == "manifest"
    sent = [request for request in simulator.requests() if request["bytes_received"]]
    assert [request["method"] for request in sent] == ["POST"]
