"""`verify_format="grains"`: a disk that is damaged at its source does not get a name, or a VM."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings


def test_a_download(open_lease: OpenLease, demo_vm: Any, tmp_path: Path) -> None:
    with open_lease(demo_vm.ExportVm(), verify_format="grains") as lease:
        disk = disk_of(lease)
        result = lease.download(disk, tmp_path / "disk")
    assert result.verified == "manifest"
    assert nfclease.verify(tmp_path / "disk", grains=True).ok


def test_a_download_that_is_damaged(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    """The server has no sum that would tell, and the disk has both its ends."""
    simulator.inject("no_manifest")
    simulator.inject("flip", offset=DISK_SIZE // 2)
    with open_lease(demo_vm.ExportVm(), require_manifest=False) as lease:
        disk = disk_of(lease)
        assert lease.download(disk, tmp_path / "ends").verified == "stream"
    with (
        pytest.raises(nfclease.DiskFormatError, match=r"it is damaged: .* of the disk"),
        open_lease(demo_vm.ExportVm(), verify_format="grains", require_manifest=False) as lease,
    ):
        lease.download(disk_of(lease), tmp_path / "grains")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ends"]
    assert endings(simulator) == ["HttpNfcLeaseComplete", "HttpNfcLeaseAbort"]


def test_an_upload(open_lease: OpenLease, simulator: Simulator, imported: Imported) -> None:
    with open_lease(imported.raw, verify_format="grains") as lease:
        result = lease.upload(imported.item, imported.path)
    assert result.verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_an_upload_that_is_damaged(
    open_lease: OpenLease, simulator: Simulator, imported: Imported
) -> None:
    data = bytearray(imported.path.read_bytes())
    at = struct.unpack_from("<Q", data, 64)[0] * 512
    data[at + 100] ^= 1
    imported.path.write_bytes(data)
    with (
        pytest.raises(nfclease.DiskFormatError, match=f"at byte {at}, sectors 0 to 127"),
        open_lease(imported.raw, verify_format="grains", max_retries=0) as lease,
    ):
        lease.upload(imported.item, imported.path)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_another_word(open_lease: OpenLease, demo_vm: Any) -> None:
    with pytest.raises(ValueError, match="verify_format"):
        open_lease(demo_vm.ExportVm(), verify_format="grain").wait_ready(10)
