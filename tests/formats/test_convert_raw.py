"""`image.convert` to raw: the bytes are those that other readers find, and nothing half stays."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.convert_command import interrupted, run_convert
from ..support.disks import GRAIN, damaged, stream
from ..support.failing_calls import traced
from ..support.genuine import disk_of_package, pyvcloud_file
from ..support.made_disks import CAPACITY, MIB, by_vmware, grains, plain_bytes
from ..support.qemu import needs_qemu_img, qemu_img, same, stream_by_qemu


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return by_vmware(tmp_path / "disk.vmdk")


@pytest.mark.parametrize("threads", [None, 1, 2, 8])
def test_each_grain_at_its_place(
    convert: Callable[..., image.ConvertedImage], disk: Path, tmp_path: Path, threads: int | None
) -> None:
    target = tmp_path / "disk.raw"
    made = convert(disk, target, threads=threads)
    assert (made.path, made.format, made.capacity) == (str(target), "raw", CAPACITY)
    assert made.populated == len(grains()) * GRAIN
    assert target.read_bytes() == plain_bytes()
    assert target.stat().st_blocks * 512 < 2 * MIB
    assert sorted(os.listdir(tmp_path)) == ["disk.raw", "disk.vmdk"]


def test_a_disk_without_a_grain(tmp_path: Path) -> None:
    (tmp_path / "empty.vmdk").write_bytes(stream({}, 2 * MIB))
    made = image.convert(tmp_path / "empty.vmdk", tmp_path / "empty.raw")
    assert (made.capacity, made.populated) == (2 * MIB, 0)
    assert (tmp_path / "empty.raw").read_bytes() == bytes(2 * MIB)


@needs_qemu_img
@pytest.mark.parametrize("name", ["genuine", "made by qemu"])
def test_beside_qemu_img(name: str, disk: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.vmdk"
    if name == "genuine":
        disk_of_package(pyvcloud_file("yVM_OS_with_VMTools.ova"), source)
    else:
        stream_by_qemu(disk, source, format="vmdk")
    image.convert(source, tmp_path / "ours.raw")
    qemu_img("convert", "-O", "raw", source, tmp_path / "theirs.raw")
    same(tmp_path / "ours.raw", tmp_path / "theirs.raw", formats=("raw", "raw"))
    assert (tmp_path / "ours.raw").stat().st_size == (tmp_path / "theirs.raw").stat().st_size


@pytest.mark.parametrize("where", ["grain", "table", "end", "header"])
def test_a_damaged_disk_leaves_nothing(
    convert: Callable[..., image.ConvertedImage], disk: Path, tmp_path: Path, where: str
) -> None:
    disk.write_bytes(damaged(disk.read_bytes(), where))
    (tmp_path / "disk.raw").write_bytes(b"old")
    with pytest.raises(nfclease.DiskFormatError, match=r"disk\.vmdk"):
        convert(disk, tmp_path / "disk.raw", overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["disk.raw", "disk.vmdk"]
    assert (tmp_path / "disk.raw").read_bytes() == b"old"


def test_what_is_there_stays(
    convert: Callable[..., image.ConvertedImage], disk: Path, tmp_path: Path
) -> None:
    target = tmp_path / "disk.raw"
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        convert(disk, target)
    assert target.read_bytes() == b"old"
    convert(disk, target, overwrite=True)
    assert target.read_bytes() == plain_bytes()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"to": "vhd"}, ValueError),
        ({"threads": 0}, ValueError),
        ({"threads": 65}, ValueError),
        ({"threads": "two"}, TypeError),
        ({"overwrite": 1}, TypeError),
        ({"progress": 3}, TypeError),
    ],
)
def test_wrong_arguments(disk: Path, tmp_path: Path, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        image.convert(disk, tmp_path / "disk.raw", **options)
    assert os.listdir(tmp_path) == ["disk.vmdk"]


def test_wrong_paths(disk: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        image.convert(tmp_path / "missing.vmdk", tmp_path / "disk.raw")
    with pytest.raises(FileNotFoundError):
        image.convert(disk, tmp_path / "missing" / "disk.raw")
    with pytest.raises(IsADirectoryError):
        image.convert(disk, tmp_path, to="raw")
    assert os.listdir(tmp_path) == ["disk.vmdk"]


def test_a_descriptor_that_names_another_file(disk: Path, tmp_path: Path) -> None:
    """Of no file but the stream is ever anything read."""
    data = disk.read_bytes()
    line = f'RW {CAPACITY // 512} SPARSE "disk.vmdk"'.encode()
    other = f'RW {CAPACITY // 512} FLAT "/etc/passwd"'.encode()
    assert line in data
    assert len(other) == len(line)
    disk.write_bytes(data.replace(line, other))
    with pytest.raises(nfclease.DiskFormatError):
        image.convert(disk, tmp_path / "disk.raw")
    assert os.listdir(tmp_path) == ["disk.vmdk"]


def test_the_command(disk: Path, tmp_path: Path) -> None:
    done = run_convert("--json", disk, tmp_path / "disk.raw")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["command"], row["format"], row["capacity"]) == ("convert", "raw", CAPACITY)
    assert (tmp_path / "disk.raw").read_bytes() == plain_bytes()
    done = run_convert(disk, tmp_path / "disk.raw")
    assert done.returncode == 1
    assert "--overwrite" in done.stderr
    data = bytearray(disk.read_bytes())
    data[128 * 512 + 3000] ^= 4
    disk.write_bytes(data)
    done = run_convert(disk, tmp_path / "other.raw")
    assert done.returncode == 3
    assert "disk.vmdk: it is damaged: the grain of sector 0 is wrong" in done.stderr
    assert "sectors 0 to 127 of the disk" in done.stderr
    assert "verify_format" not in done.stderr


@traced
def test_ctrl_c(disk: Path, tmp_path: Path) -> None:
    interrupted("--threads", 1, disk, target=tmp_path / "out" / "disk.raw", write="pwrite64")
