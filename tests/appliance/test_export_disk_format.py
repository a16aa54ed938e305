"""``export_vm(disk_format=)``: images beside the nvram, and a package that says what they are."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image
from nfclease.simulator import Simulator

from ..support.importing import calls_of
from ..support.inventory import unique
from ..support.jobs import Export
from ..support.leases import endings
from ..support.qemu import checked, needs_qemu_img, same

URI = "https://www.qemu.org/docs/master/system/images.html#disk-image-file-formats"


def test_images_beside_the_nvram(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    result = export(demo_vm, tmp_path / "raw", disk_format="raw")
    streams = export(demo_vm, tmp_path / "streams")
    names = ["demo-vm-disk-0.raw", "demo-vm-disk-1.raw", "demo-vm-disk-2.raw", "demo-vm.nvram"]
    assert [file.name for file in result.files] == names
    assert [file.format for file in result.files] == ["raw", "raw", "raw", None]
    assert [file.format for file in streams.files] == [*["streamOptimized"] * 3, None]
    there = sorted(path.name for path in (tmp_path / "raw").iterdir())
    assert there == sorted([*names, "demo-vm.mf", "demo-vm.ovf"])
    for file, stream in zip(result.files, streams.files, strict=True):
        path = tmp_path / "raw" / file.name
        assert (file.size, file.verified) == (path.stat().st_size, "manifest")
        assert (file.checksum_type, file.key) == ("sha256", stream.key)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.checksum
        if file.disk:
            image.convert(tmp_path / "streams" / stream.name, tmp_path / "made.raw", overwrite=True)
            assert path.read_bytes() == (tmp_path / "made.raw").read_bytes()
            assert file.capacity == file.size
            assert path.stat().st_blocks * 512 < file.size
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 2


def test_the_package_says_what_is_there(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    export(demo_vm, tmp_path / "out", disk_format="raw")
    streams = export(demo_vm, tmp_path / "streams")
    result = nfclease.verify(tmp_path / "out")
    assert result.ok, result.problems
    assert all(file.verified for file in result.files)
    info = nfclease.inspect(tmp_path / "out")
    assert {file.href: file.size for file in info.files} == {
        path.name: path.stat().st_size
        for path in (tmp_path / "out").iterdir()
        if path.suffix in (".raw", ".nvram")
    }
    assert {disk.format for disk in info.disks} == {URI}
    mine = (tmp_path / "out" / "demo-vm.ovf").read_text().splitlines()
    servers = (tmp_path / "streams" / "demo-vm.ovf").read_text().splitlines()
    changed = [line for line, other in zip(mine, servers, strict=True) if line != other]
    assert len(changed) == 2 * 3, "the lines of files and disks"
    assert streams.descriptor == "demo-vm.ovf"


@needs_qemu_img
@pytest.mark.parametrize("compression", [None, "deflate", "transplant"])
def test_qcow2_images_and_the_way_back(
    export: Export, demo_vm: Any, compression: Any, tmp_path: Path
) -> None:
    options: Any = {"disk_format": "qcow2", "qcow2_compression": compression}
    result = export(demo_vm, tmp_path / "images", **options)
    streams = export(demo_vm, tmp_path / "streams")
    assert nfclease.verify(tmp_path / "images").ok
    for file, stream in zip(result.files, streams.files, strict=True):
        if file.disk:
            path = tmp_path / "images" / file.name
            assert (file.format, path.suffix, file.verified) == ("qcow2", ".qcow2", "manifest")
            checked(path)
            same(path, tmp_path / "streams" / stream.name, formats=("qcow2", "vmdk"))
    pool = demo_vm.resourcePool
    imported = nfclease.import_vapp(tmp_path / "images", pool, name=unique("back"), convert=True)
    assert [file.converted_from for file in imported.files] == [*["qcow2"] * 3, None]


def test_a_name_of_ones_own_and_no_manifest(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    result = export(demo_vm, tmp_path / "out", disk_format="raw", name="web 1", manifest=None)
    assert [file.name for file in result.files if file.disk] == [
        f"web 1-disk-{number}.raw" for number in range(3)
    ]
    # What the host said of the stream.
    assert {file.checksum_type for file in result.files} == {"sha1"}
    assert not (tmp_path / "out" / "web 1.mf").exists()
    assert nfclease.verify(tmp_path / "out").ok


def test_what_cannot_be_is_said_before_any_call(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="is for a directory"):
        export(demo_vm, tmp_path / "out.ova", disk_format="raw")
    with pytest.raises(ValueError, match="is for a directory"):
        export(demo_vm, io.BytesIO(), disk_format="raw")
    wrong: Any = "vhd"
    with pytest.raises(ValueError, match="disk_format must be one of raw, qcow2"):
        export(demo_vm, tmp_path / "out", disk_format=wrong)
    with pytest.raises(ValueError, match="qcow2_compression is for qcow2"):
        export(demo_vm, tmp_path / "out", disk_format="raw", qcow2_compression="deflate")
    with pytest.raises(ValueError, match="is for disk_format='qcow2', which is not given"):
        export(demo_vm, tmp_path / "out", qcow2_compression="deflate")
    assert calls_of(simulator, "ExportVm") == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", ["raw", "qcow2"])
def test_a_damaged_stream_leaves_nothing(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path, format: Any
) -> None:
    simulator.inject("flip", offset=100_000)
    with pytest.raises((nfclease.ChecksumMismatchError, nfclease.DiskFormatError)):
        export(demo_vm, tmp_path / "out", disk_format=format, max_retries=0)
    assert not list(tmp_path.iterdir())
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize(
    "text",
    [
        b'<Disk ovf:capacity="1" ovf:format="x"/>',
        b"<ovf:Disk ovf:format = 'x' ovf:diskId=\"d\"/>",
        b'<Disk\n  ovf:diskId="a>b" ovf:format="x">',
    ],
)
def test_the_attribute_in_each_form(text: bytes) -> None:
    from nfclease.appliance._disk_images import _FORMAT

    assert _FORMAT.sub(rb'\g<1>"y"', text).count(b'"y"') == 1
