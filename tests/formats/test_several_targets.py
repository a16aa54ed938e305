"""One download to several paths: all get their names, or none does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings
from ..support.qemu import checked, needs_qemu_img, same


def gets(simulator: Simulator) -> int:
    return sum(request["method"] == "GET" for request in simulator.requests())


@needs_qemu_img
def test_one_get_and_three_files(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    also: Any = {tmp_path / "out" / "disk.qcow2": "qcow2", str(tmp_path / "disk.raw"): "raw"}
    with open_lease(demo_vm.ExportVm()) as lease:
        result = lease.download(
            disk_of(lease), tmp_path / "disk.vmdk", also=also, qcow2_compression="transplant"
        )
    assert (result.verified, result.path) == ("manifest", str(tmp_path / "disk.vmdk"))
    assert gets(simulator) == 1
    assert nfclease.verify(tmp_path / "disk.vmdk", grains=True).ok
    image.convert(tmp_path / "disk.vmdk", tmp_path / "made.raw")
    assert (tmp_path / "disk.raw").read_bytes() == (tmp_path / "made.raw").read_bytes()
    assert checked(tmp_path / "out" / "disk.qcow2")["compressed-clusters"] > 0
    same(tmp_path / "out" / "disk.qcow2", tmp_path / "disk.raw", formats=("qcow2", "raw"))


def test_the_stream_beside_an_image(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    """Broken off once, and begun again in each."""
    simulator.inject("cut", after_bytes=DISK_SIZE // 2, how="reset", count=1)
    with open_lease(demo_vm.ExportVm()) as lease:
        also = {str(tmp_path / "disk.vmdk"): None}
        transfer = lease.start_download(
            disk_of(lease), tmp_path / "disk.raw", format="raw", also=also
        )
        assert transfer.result(60).attempts == 2
    image.convert(tmp_path / "disk.vmdk", tmp_path / "made.raw")
    assert (tmp_path / "disk.raw").read_bytes() == (tmp_path / "made.raw").read_bytes()


def test_a_damaged_stream_leaves_none(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    simulator.inject("flip", offset=DISK_SIZE // 2)
    (tmp_path / "disk.raw").write_bytes(b"old")
    also: Any = {tmp_path / "disk.raw": "raw", tmp_path / "new" / "disk.qcow2": "qcow2"}
    with (
        pytest.raises((nfclease.ChecksumMismatchError, nfclease.DiskFormatError)),
        open_lease(demo_vm.ExportVm(), max_retries=0) as lease,
    ):
        lease.download(disk_of(lease), tmp_path / "disk.vmdk", also=also, overwrite=True)
    assert os.listdir(tmp_path) == ["disk.raw"]
    assert (tmp_path / "disk.raw").read_bytes() == b"old"
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_one_that_is_there_keeps_all_back(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    (tmp_path / "disk.qcow2").write_bytes(b"old")
    with open_lease(demo_vm.ExportVm()) as lease, pytest.raises(FileExistsError):
        lease.download(
            disk_of(lease), tmp_path / "disk.vmdk", also={tmp_path / "disk.qcow2": "qcow2"}
        )
    assert os.listdir(tmp_path) == ["disk.qcow2"]
    assert gets(simulator) == 0


@pytest.mark.parametrize(
    ("also", "options", "error"),
    [
        ({"a": "vhd"}, {}, ValueError),
        (3, {}, TypeError),
        ({3: "raw"}, {}, TypeError),
        ({"a": "raw"}, {"qcow2_compression": "deflate"}, ValueError),
        ({"a\0": "raw"}, {}, ValueError),
    ],
)
def test_what_cannot_be(
    open_lease: OpenLease,
    demo_vm: Any,
    tmp_path: Path,
    also: Any,
    options: Any,
    error: type[Exception],
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        with pytest.raises(error):
            lease.download(disk, tmp_path / "disk", also=also, **options)
    assert os.listdir(tmp_path) == []
