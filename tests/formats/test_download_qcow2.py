"""`download(format="qcow2")`: the image of the stream, verified as that is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings
from ..support.qemu import checked, needs_qemu_img, same

modes = pytest.mark.parametrize("mode", [None, "none", "deflate", "transplant"])


@needs_qemu_img
@modes
def test_it_is_what_the_stream_is(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path, mode: str | None
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.download(disk, tmp_path / "disk.vmdk")
        options: Any = {"format": "qcow2", "qcow2_compression": mode}
        result = lease.download(disk, tmp_path / "disk.qcow2", **options)
        transfer = lease.start_download(disk, tmp_path / "second.qcow2", **options)
        assert transfer.result(60).verified == "manifest"
    assert (result.verified, result.path) == ("manifest", str(tmp_path / "disk.qcow2"))
    # Of the stream, as the server has it.
    assert result.bytes == (tmp_path / "disk.vmdk").stat().st_size
    for name in ("disk.qcow2", "second.qcow2"):
        found = checked(tmp_path / name)
        assert ("compressed-clusters" in found) == (mode in ("deflate", "transplant"))
        same(tmp_path / name, tmp_path / "disk.vmdk", formats=("qcow2", "vmdk"))
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@needs_qemu_img
@modes
def test_a_stream_that_is_broken_off_is_begun_again(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path, mode: str | None
) -> None:
    simulator.inject("cut", after_bytes=DISK_SIZE // 2, how="reset", count=1)
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        options: Any = {"format": "qcow2", "qcow2_compression": mode}
        assert lease.download(disk, tmp_path / "disk.qcow2", **options).attempts == 2
        lease.download(disk, tmp_path / "disk.vmdk")
    checked(tmp_path / "disk.qcow2")
    same(tmp_path / "disk.qcow2", tmp_path / "disk.vmdk", formats=("qcow2", "vmdk"))


@modes
@pytest.mark.parametrize("manifest", [True, False])
def test_a_damaged_stream_leaves_nothing(
    open_lease: OpenLease,
    simulator: Simulator,
    demo_vm: Any,
    tmp_path: Path,
    manifest: bool,
    mode: str | None,
) -> None:
    """With the server's sum, or by the grain's own alone, which a transplant wants to be told."""
    simulator.inject("flip", offset=DISK_SIZE // 2)
    options: dict[str, Any] = {"require_manifest": False, "max_retries": 0}
    if not manifest:
        simulator.inject("no_manifest")
        options["verify_format"] = "grains"
    (tmp_path / "disk.qcow2").write_bytes(b"old")
    image: Any = {"format": "qcow2", "qcow2_compression": mode}
    with (
        pytest.raises((nfclease.ChecksumMismatchError, nfclease.DiskFormatError)),
        open_lease(demo_vm.ExportVm(), **options) as lease,
    ):
        lease.download(disk_of(lease), tmp_path / "disk.qcow2", overwrite=True, **image)
    assert os.listdir(tmp_path) == ["disk.qcow2"]
    assert (tmp_path / "disk.qcow2").read_bytes() == b"old"
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "vhd"}, "format must be one of raw, qcow2, not 'vhd'"),
        ({"qcow2_compression": "deflate"}, "neither format nor also says"),
        ({"format": "raw", "qcow2_compression": "deflate"}, "neither format nor also says"),
        ({"format": "qcow2", "qcow2_compression": "zstd"}, "qcow2_compression must be one of none"),
    ],
)
def test_words_that_are_unknown(
    open_lease: OpenLease,
    simulator: Simulator,
    demo_vm: Any,
    tmp_path: Path,
    options: Any,
    said: str,
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        for start in (lease.download, lease.start_download):
            with pytest.raises(ValueError, match=said):
                start(disk, tmp_path / "disk", **options)
    assert os.listdir(tmp_path) == []
    assert not [request for request in simulator.requests() if request["method"] == "GET"]
