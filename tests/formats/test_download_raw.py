"""`download(format="raw")`: the image is that of the stream, and it is verified as a stream is."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import image
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.failing_calls import run_failing, traced
from ..support.inventory import DISK_SIZE, find, unique
from ..support.leases import disk_of, endings


def test_it_is_what_the_stream_becomes(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    name = unique("raw")
    simulator.add_vm(name, disks=3, disk_size=24 << 20, nvram=False)
    vm = find(service, vim.VirtualMachine, name)
    for format in (None, "raw"):
        with open_lease(vm.ExportVm()) as lease:
            disks = lease.wait_ready(10).deviceUrl
            transfers = [
                lease.start_download(disk, tmp_path / f"{number}.{format}", format=format)
                for number, disk in enumerate(disks)
            ]
            results = [transfer.result(60) for transfer in transfers]
        assert {result.verified for result in results} == {"manifest"}
        assert [result.path for result in results] == [
            str(tmp_path / f"{number}.{format}") for number in range(3)
        ]
    for number in range(3):
        made = image.convert(tmp_path / f"{number}.None", tmp_path / f"{number}.img")
        raw = tmp_path / f"{number}.raw"
        assert raw.read_bytes() == (tmp_path / f"{number}.img").read_bytes()
        assert raw.stat().st_size == made.capacity
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 2


def test_a_stream_that_is_broken_off_is_begun_again(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    simulator.inject("cut", after_bytes=DISK_SIZE // 2, how="reset", count=1)
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.download(disk, tmp_path / "disk.raw", format="raw")
        lease.download(disk, tmp_path / "disk.vmdk")
    image.convert(tmp_path / "disk.vmdk", tmp_path / "made.raw")
    assert (tmp_path / "disk.raw").read_bytes() == (tmp_path / "made.raw").read_bytes()


@pytest.mark.parametrize("manifest", [True, False])
def test_a_damaged_stream_leaves_nothing(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path, manifest: bool
) -> None:
    """With the server's sum, or by the grain's own alone."""
    simulator.inject("flip", offset=DISK_SIZE // 2)
    if not manifest:
        simulator.inject("no_manifest")
    (tmp_path / "disk.raw").write_bytes(b"old")
    options = {"require_manifest": False, "max_retries": 0}
    with (
        pytest.raises((nfclease.ChecksumMismatchError, nfclease.DiskFormatError)),
        open_lease(demo_vm.ExportVm(), **options) as lease,
    ):
        lease.download(disk_of(lease), tmp_path / "disk.raw", format="raw", overwrite=True)
    assert os.listdir(tmp_path) == ["disk.raw"]
    assert (tmp_path / "disk.raw").read_bytes() == b"old"
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_what_is_no_disk(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    with (
        pytest.raises(nfclease.DiskFormatError, match="instead of"),
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        other = next(url for url in lease.wait_ready(10).deviceUrl if not url.disk)
        lease.download(other, tmp_path / "disk.raw", format="raw")
    assert os.listdir(tmp_path) == []


def test_what_cannot_be(open_lease: OpenLease, demo_vm: Any, tmp_path: Path) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        with pytest.raises(ValueError, match="format must be one of raw"):
            lease.download(disk, tmp_path / "disk", format="vhd")
        with pytest.raises(TypeError, match="path"):
            lease.download(disk, io.BytesIO(), format="raw")
        (tmp_path / "disk").write_bytes(b"old")
        with pytest.raises(FileExistsError):
            lease.download(disk, tmp_path / "disk", format="raw")
    assert os.listdir(tmp_path) == ["disk"]


@traced
@pytest.mark.parametrize("format", ["raw", "qcow2"])
def test_a_full_disk(simulator: Simulator, tmp_path: Path, format: str) -> None:
    """The first write of a grain that fails ends it, and nothing stays."""
    out = tmp_path / "out"
    out.mkdir()
    fault, part = "pwrite64:error=ENOSPC:when=5+", out / f"disk.{format}.part"
    ended = run_failing("image", simulator, out / f"disk.{format}", fault, only=part)
    assert ended.said["errno"] == errno.ENOSPC
    assert os.listdir(out) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
