"""A disk onto a block device: all of it is that of the source, and only what may be is written."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, stream
from ..support.faces import OpenLease
from ..support.failing_calls import can_mount
from ..support.leases import disk_of
from ..support.loop_device import loop_device

MIB = 1 << 20
CAPACITY = 12 * MIB + 3 * 512


def made(folder: Path) -> Path:
    chance = random.Random(2)
    data = {number: chance.randbytes(GRAIN) for number in (3, 4, 90)}
    data[5] = bytes(GRAIN)
    (folder / "disk.vmdk").write_bytes(stream(data, CAPACITY))
    return folder / "disk.vmdk"


def full_of_ones(folder: Path, size: int) -> Path:
    """What a device has before."""
    path = folder / "below"
    path.write_bytes(b"\xff" * size)
    return path


@pytest.mark.parametrize("threads", [1, None])
def test_every_sector(tmp_path: Path, threads: int | None) -> None:
    """Where the disk has no grain there are zeros; what is behind it stays."""
    source, below = made(tmp_path), full_of_ones(tmp_path, 16 * MIB)
    image.convert(source, tmp_path / "disk.raw")
    with loop_device(below) as device:
        result = image.convert(source, device, block_device=True, threads=threads)
        assert (result.format, result.path) == ("raw", str(device))
        assert sorted(os.listdir(tmp_path)) == ["below", "disk.raw", "disk.vmdk"]
    data = below.read_bytes()
    assert data[:CAPACITY] == (tmp_path / "disk.raw").read_bytes()
    assert data[CAPACITY:] == b"\xff" * (16 * MIB - CAPACITY)


def test_of_a_qcow2_image(tmp_path: Path) -> None:
    """What it has no cluster for is zero on the device, too."""
    image.convert(made(tmp_path), tmp_path / "disk.raw")
    image.convert(tmp_path / "disk.raw", tmp_path / "disk.qcow2")
    below = full_of_ones(tmp_path, 16 * MIB)
    with loop_device(below) as device:
        image.convert(tmp_path / "disk.qcow2", device, block_device=True)
        with pytest.raises(ValueError, match="an image of itself"):
            image.convert(device, device, source_format="raw", block_device=True)
    data = below.read_bytes()
    assert data[:CAPACITY] == (tmp_path / "disk.raw").read_bytes()
    assert data[CAPACITY:] == b"\xff" * (16 * MIB - CAPACITY)


def test_a_download(open_lease: OpenLease, demo_vm: Any, tmp_path: Path) -> None:
    below = full_of_ones(tmp_path, 80 * MIB)
    with loop_device(below) as device, open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.download(disk, tmp_path / "disk.raw", format="raw")
        result = lease.download(disk, device, format="raw", block_device=True)
        assert (result.verified, result.path) == ("manifest", str(device))
    plain = (tmp_path / "disk.raw").read_bytes()
    assert below.read_bytes()[: len(plain)] == plain


def test_one_that_is_too_small(tmp_path: Path) -> None:
    source, below = made(tmp_path), full_of_ones(tmp_path, 8 * MIB)
    with loop_device(below) as device, pytest.raises(OSError, match="the device has") as raised:
        image.convert(source, device, block_device=True)
    assert raised.value.errno == errno.ENOSPC
    assert below.read_bytes() == b"\xff" * 8 * MIB


def test_one_that_is_in_use(tmp_path: Path) -> None:
    if not can_mount() or os.getuid():
        pytest.skip("not run: nothing can be mounted here")
    source, below = made(tmp_path), full_of_ones(tmp_path, 64 * MIB)
    with loop_device(below) as device:
        subprocess.run(["mkfs.ext4", "-q", str(device)], check=True)
        (tmp_path / "mnt").mkdir()
        mounted = subprocess.run(["mount", str(device), str(tmp_path / "mnt")], check=False)
        if mounted.returncode:
            pytest.skip("not run: nothing can be mounted here")
        try:
            with pytest.raises(OSError, match="mounted at") as raised:
                image.convert(source, device, block_device=True)
        finally:
            subprocess.run(["umount", str(tmp_path / "mnt")], check=True)
        assert raised.value.errno == errno.EBUSY
        subprocess.run(["fsck.ext4", "-fn", str(device)], check=True, capture_output=True)


def test_a_damaged_disk_is_told_of(tmp_path: Path) -> None:
    source, below = made(tmp_path), full_of_ones(tmp_path, 16 * MIB)
    data = bytearray(source.read_bytes())
    data[-4 * 512 - 2048] ^= 1
    source.write_bytes(data)
    with loop_device(below) as device:
        command = [sys.executable, "-m", "nfclease", "convert", "--block-device"]
        done = subprocess.run([*command, str(source), str(device)], capture_output=True, text=True)
        assert done.returncode == 3, done.stderr
        assert f"{device} has a part of the disk now" in done.stderr


def test_a_download_that_fails(
    open_lease: OpenLease, simulator: Any, demo_vm: Any, tmp_path: Path
) -> None:
    simulator.inject("flip", offset=1 << 20)
    below = full_of_ones(tmp_path, 80 * MIB)
    with loop_device(below) as device:
        with (
            pytest.raises((nfclease.ChecksumMismatchError, nfclease.DiskFormatError)) as raised,
            open_lease(demo_vm.ExportVm(), max_retries=0) as lease,
        ):
            lease.download(disk_of(lease), device, format="raw", block_device=True)
        assert raised.value.files_left == [str(device)]


@pytest.mark.parametrize("kind", ["file", "missing", "directory", "character device"])
def test_what_is_no_block_device(tmp_path: Path, kind: str) -> None:
    source = made(tmp_path)
    target = {
        "file": tmp_path / "file",
        "missing": tmp_path / "missing",
        "directory": tmp_path,
        "character device": Path("/dev/null"),
    }[kind]
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OSError, match=r"it is not a block device|No such file"):
        image.convert(source, target, block_device=True)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["disk.vmdk", "file"]


def test_a_device_is_asked_for(tmp_path: Path) -> None:
    source, below = made(tmp_path), full_of_ones(tmp_path, 16 * MIB)
    with loop_device(below) as device, pytest.raises(OSError, match="not a regular file"):
        image.convert(source, device, to="raw", overwrite=True)
    assert below.read_bytes() == b"\xff" * 16 * MIB


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"to": "qcow2"}, ValueError),
        ({"qcow2_compression": "deflate"}, ValueError),
        ({"block_device": 1}, TypeError),
    ],
)
def test_wrong_arguments(tmp_path: Path, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        image.convert(made(tmp_path), "/dev/null", **{"block_device": True, **options})
