"""Disks that are right and odd: sizes, grains and markers that few writers make."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, SECTOR, stream
from ..support.made_disks import by_qemu, plain_bytes
from ..support.qemu import compared
from ..support.qemu_samples import qemu_sample

MIB = 1 << 20
TIB = 1 << 40


def put(path: Path, grains: dict[int, bytes], capacity: int, **options: bool) -> Path:
    path.write_bytes(stream(grains, capacity, **options))
    return path


def plain(grains: dict[int, bytes], capacity: int) -> bytes:
    content = bytearray(capacity)
    for number, data in grains.items():
        content[number * GRAIN : number * GRAIN + len(data)] = data
    return bytes(content[:capacity])


@pytest.mark.parametrize(
    "capacity",
    [SECTOR, GRAIN - SECTOR, GRAIN, GRAIN + SECTOR, 33 * MIB + 5 * SECTOR, 64 * MIB + GRAIN],
)
def test_sizes(capacity: int, tmp_path: Path) -> None:
    """No multiple of a grain, one table filled exactly, one grain more."""
    last = (capacity - 1) // GRAIN
    grains = {0: b"first", last: b"x" * (capacity - last * GRAIN)}
    disk = put(tmp_path / "disk.vmdk", grains, capacity)
    result = nfclease.verify(disk, grains=True)
    assert result.ok, result.problems
    assert (result.disks[0].capacity, result.disks[0].grains) == (capacity, len(grains))
    image.convert(disk, tmp_path / "disk.raw")
    assert (tmp_path / "disk.raw").read_bytes() == plain(grains, capacity)


def test_every_grain(tmp_path: Path) -> None:
    grains = {number: bytes([number % 255 + 1]) * GRAIN for number in range(520)}
    disk = put(tmp_path / "disk.vmdk", grains, 520 * GRAIN)
    [row] = nfclease.verify(disk, grains=True).disks
    assert (row.flaw, row.populated) == ("", 520 * GRAIN)
    image.convert(disk, tmp_path / "disk.raw")
    assert (tmp_path / "disk.raw").read_bytes() == plain(grains, 520 * GRAIN)


def test_grains_that_grow(tmp_path: Path) -> None:
    """Noise is longer when it is compressed, and more than a grain."""
    chance = random.Random(3)
    grains = {number: chance.randbytes(GRAIN) for number in (0, 5, 15)}
    disk = put(tmp_path / "disk.vmdk", grains, MIB)
    assert disk.stat().st_size > 3 * GRAIN + 128 * SECTOR
    assert nfclease.verify(disk, grains=True).ok
    image.convert(disk, tmp_path / "disk.raw")
    assert (tmp_path / "disk.raw").read_bytes() == plain(grains, MIB)


def shorter_cid(disk: bytes, digits: int) -> bytes:
    """As qemu-img writes a CID of so many digits over the first of 8: the rest moves up."""
    before = disk[SECTOR : 21 * SECTOR]
    at = before.index(b"CID=") + 4
    old = before[: before.index(b"\0")]
    new = old[:at] + b"7" * digits + old[old.index(b"\n", at) :] + b"\0"
    return disk[:SECTOR] + new + disk[SECTOR + len(new) :]


@pytest.mark.parametrize("digits", range(1, 9))
def test_the_end_of_an_older_descriptor(digits: int, tmp_path: Path) -> None:
    """One of 250 disks of qemu-img has such bytes behind its descriptor."""
    disk = tmp_path / "disk.vmdk"
    data = by_qemu(disk).read_bytes()
    at = data.index(b"CID=")
    end = data.index(b"\n", at)
    whole = data[: at + 4] + data[at + 4 : end].rjust(8, b"0") + data[end : 21 * SECTOR]
    data = whole[: 21 * SECTOR] + data[21 * SECTOR :]
    disk.write_bytes(shorter_cid(data, digits))
    result = nfclease.verify(disk, grains=True)
    assert result.ok, result.problems
    made = nfclease.inspect(disk).image
    assert made is not None
    assert made.descriptor["CID"] == "7" * digits
    image.normalise(disk, tmp_path / "normal.vmdk")
    normal = (tmp_path / "normal.vmdk").read_bytes()[SECTOR : 21 * SECTOR]
    assert not normal[normal.index(b"\0") :].strip(b"\0")
    image.convert(disk, tmp_path / "disk.raw")
    assert (tmp_path / "disk.raw").read_bytes() == plain_bytes()


@pytest.mark.parametrize("left", [b"\n", b"tail", b'8"\n', b'\0"\n', b'147483647"\n'])
def test_other_bytes_behind_a_descriptor(left: bytes, tmp_path: Path) -> None:
    disk = tmp_path / "disk.vmdk"
    data = bytearray(by_qemu(disk).read_bytes())
    end = data.index(b"\0", SECTOR) + 1
    data[end : end + len(left)] = left
    disk.write_bytes(data)
    result = nfclease.verify(disk, grains=True)
    assert result.ok == (left == b"\n"), result.problems


def test_markers_of_progress(tmp_path: Path) -> None:
    grains = {0: b"one", 1: b"two", 600: b"three"}
    disk = put(tmp_path / "disk.vmdk", grains, 64 * MIB, progress=True)
    result = nfclease.verify(disk, grains=True)
    assert result.ok, result.problems
    assert result.disks[0].grains == 3
    image.convert(disk, tmp_path / "disk.raw")
    assert (tmp_path / "disk.raw").read_bytes() == plain(grains, 64 * MIB)


def test_two_tebibytes(tmp_path: Path) -> None:
    """The image has holes where there is no grain. qemu-img would take minutes to read it."""
    last = TIB * 2 // GRAIN - 1
    disk = put(tmp_path / "disk.vmdk", {0: b"first", last // 2: b"x" * GRAIN, last: b"y"}, 2 * TIB)
    result = nfclease.verify(disk, grains=True)
    assert result.ok, result.problems
    raw = tmp_path / "disk.raw"
    assert image.convert(disk, raw).capacity == 2 * TIB
    assert raw.stat().st_size == 2 * TIB
    assert raw.stat().st_blocks * 512 < MIB
    with raw.open("rb") as file:
        assert file.read(5) == b"first"
        file.seek(last * GRAIN)
        assert file.read(2) == b"y\0"
        file.seek(last // 2 * GRAIN)
        assert file.read(GRAIN) == b"x" * GRAIN


def test_what_a_host_wrote_of_16_gib(tmp_path: Path) -> None:
    """It has 53 grain tables, and is from the tests of qemu."""
    disk = qemu_sample("iotest-version3.vmdk")
    result = nfclease.verify(disk, grains=True)
    assert result.ok, result.problems
    [row] = result.disks
    assert row.capacity == 16 << 30
    image.convert(disk, tmp_path / "disk.raw")
    compared(disk, tmp_path / "disk.raw")


def test_what_a_fuzzer_found_in_qemu(tmp_path: Path) -> None:
    """It made qemu-img end with a signal once."""
    disk = qemu_sample("afl9.vmdk")
    for grains in (False, True):
        assert not nfclease.verify(disk, grains=grains).ok
    with pytest.raises(nfclease.DiskFormatError):
        image.convert(disk, tmp_path / "disk.raw")
    assert not list(tmp_path.iterdir())
