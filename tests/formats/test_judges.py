"""What other readers make of a disk is what `image.convert` makes of it, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, stream
from ..support.genuine import disk_of_package, pyvcloud_file
from ..support.judges import JUDGES, Judge, digest_of
from ..support.qemu import compared

MIB = 1 << 20


def mixed() -> dict[int, bytes]:
    """Text, noise that does not shrink, and zeros, in three tables."""
    chance = random.Random(7)
    found = {number: chance.randbytes(GRAIN) for number in (0, 3, 511, 1030)}
    found[4] = b"text that is compressed well " * 2000
    found[512] = bytes(GRAIN)
    return found


def written(grains: dict[int, bytes], capacity: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "disk.vmdk"
        path.write_bytes(stream(grains, capacity))
        return path

    return make


def member(package: str) -> Callable[[Path], Path]:
    """The one disk of a genuine package."""

    def make(folder: Path) -> Path:
        return disk_of_package(pyvcloud_file(package), folder / "disk.vmdk")

    return make


#: Each disk by what is particular about it.
DISKS = {
    "mixed": written(mixed(), 70 * MIB),
    "all grains": written({n: bytes([n]) * GRAIN for n in range(16)}, MIB),
    "no grain": written({}, 2 * MIB),
    "genuine": member("yVM_OS_with_VMTools.ova"),
    "genuine, no grain": member("test_vapp_template.ova"),
}


@pytest.mark.timeout(900)  # the first one builds or installs it
@pytest.mark.parametrize("judge", [j for j in JUDGES if "vmdk" in j.formats], ids=lambda j: j.name)
@pytest.mark.parametrize("name", DISKS)
def test_a_disk_as_others_read_it(name: str, judge: Judge, tmp_path: Path) -> None:
    disk = DISKS[name](tmp_path)
    image.convert(disk, tmp_path / "ours.raw")
    assert judge.digest(disk, "vmdk") == digest_of(tmp_path / "ours.raw")


#: They cannot read what refers back more than 4 KiB.
NARROW = ("dissect",)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("judge", [j for j in JUDGES if "qcow2" in j.formats], ids=lambda j: j.name)
@pytest.mark.parametrize("compression", ["none", "deflate", "transplant"])
@pytest.mark.parametrize("name", DISKS)
def test_an_image_as_others_read_it(
    name: str, compression: str, judge: Judge, tmp_path: Path
) -> None:
    disk = DISKS[name](tmp_path)
    if compression == "transplant" and judge.name in NARROW and "no grain" not in name:
        pytest.skip(f"not run: {judge.name} does not read it")
    image.convert(disk, tmp_path / "ours.raw")
    made: Any = {"to": "qcow2", "qcow2_compression": compression}
    image.convert(disk, tmp_path / "disk.qcow2", **made)
    assert judge.digest(tmp_path / "disk.qcow2", "qcow2") == digest_of(tmp_path / "ours.raw")


def test_what_the_simulator_sent(exported: list[nfclease.TransferResult], tmp_path: Path) -> None:
    """It stands for a host in all other tests: qemu reads its disks too."""
    disks = [Path(file.path) for file in exported if file.path and file.path.endswith(".vmdk")]
    assert disks
    for number, disk in enumerate(disks):
        raw = tmp_path / f"{number}.raw"
        image.convert(disk, raw)
        compared(disk, raw)
