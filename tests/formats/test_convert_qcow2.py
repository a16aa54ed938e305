"""`image.convert` to qcow2: qemu-img finds no flaw in it, and the bytes of the source."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, damaged, stream
from ..support.genuine import cut_file, disk_of_package
from ..support.genuine_packages import PACKAGES
from ..support.qemu import checked, needs_qemu_img, same, stream_by_qemu

KIB, MIB = 1 << 10, 1 << 20
MODES = [None, "none", "deflate", "transplant"]
modes = pytest.mark.parametrize("mode", MODES)


def text(length: int) -> bytes:
    return (b"text that is compressed well " * (length // 29 + 1))[:length]


def far_apart(seed: int) -> bytes:
    """What repeats itself after 30 KiB alone: a window of 4 KiB does not find it."""
    return (random.Random(seed).randbytes(30 * KIB) * 3)[:GRAIN]


def grains(count: int, *, last: int | None = None, seed: int = 1) -> dict[int, bytes]:
    """Of each kind some, several in each table; the last one may be shorter."""
    chance = random.Random(seed)
    kinds = [
        lambda: chance.randbytes(GRAIN),
        lambda: text(GRAIN),
        lambda: bytes(GRAIN),
        lambda: far_apart(chance.randrange(1 << 20)),
        lambda: text(chance.randrange(GRAIN)),
        lambda: bytes(GRAIN - 512) + chance.randbytes(512),
    ]
    found = {number: chance.choice(kinds)() for number in range(count) if chance.random() < 0.6}
    if last:
        found[count] = text(last)
    return found


def made(folder: Path, data: dict[int, bytes], capacity: int, grain: int = GRAIN) -> Path:
    path = folder / "disk.vmdk"
    path.write_bytes(stream(data, capacity, grain=grain))
    return path


def judge(source: Path, folder: Path, mode: Any, **options: Any) -> dict[str, Any]:
    """Converts, and has qemu-img look at it."""
    target = folder / "disk.qcow2"
    result = image.convert(source, target, qcow2_compression=mode, **options)
    assert (result.path, result.format) == (str(target), "qcow2")
    image.convert(source, folder / "disk.raw")
    assert result.capacity == (folder / "disk.raw").stat().st_size
    found = checked(target)
    same(target, folder / "disk.raw", formats=("qcow2", "raw"))
    if result.capacity:  # qemu-img opens no stream that is empty
        same(target, source, formats=("qcow2", "vmdk"))
    assert sorted(os.listdir(folder)) == ["disk.qcow2", "disk.raw", source.name]
    return found


@needs_qemu_img
@modes
@pytest.mark.parametrize("threads", [None, 1, 8])
def test_grains_of_each_kind(tmp_path: Path, mode: Any, threads: int | None) -> None:
    data = grains(600, last=5 * 512)
    source = made(tmp_path, data, 600 * GRAIN + 5 * 512)
    found = judge(source, tmp_path, mode, threads=threads)
    kept = [each for each in data.values() if any(each)]
    if mode in ("deflate", "transplant"):
        assert found["compressed-clusters"] > len(kept) // 2
        assert found["allocated-clusters"] >= len(kept)
    else:
        assert found["allocated-clusters"] == len(kept)
        assert "compressed-clusters" not in found


@needs_qemu_img
@modes
@pytest.mark.parametrize("grain", [4 * KIB, 8 * KIB, 32 * KIB])
@pytest.mark.parametrize("rest", [0, 512, 4096 + 512])
def test_smaller_grains(tmp_path: Path, mode: Any, grain: int, rest: int) -> None:
    """A cluster has several of them, and not all of those need be there."""
    chance = random.Random(grain)
    count = 12 * MIB // grain
    data = {
        number: chance.randbytes(grain) if chance.random() < 0.3 else text(grain)
        for number in range(count)
        if chance.random() < 0.4
    }
    if rest:
        data[count] = text(min(rest, grain))
    judge(made(tmp_path, data, count * grain + rest, grain), tmp_path, mode)


@needs_qemu_img
@modes
@pytest.mark.parametrize("capacity", [0, 512, 64 * KIB, 2 * MIB + 512, 512 * MIB, 512 * MIB + 512])
def test_without_a_grain(tmp_path: Path, mode: Any, capacity: int) -> None:
    found = judge(made(tmp_path, {}, capacity), tmp_path, mode)
    assert found.get("allocated-clusters", 0) == 0


@needs_qemu_img
@modes
@pytest.mark.parametrize("kind", ["text", "noise"])
def test_every_grain(tmp_path: Path, mode: Any, kind: str) -> None:
    chance = random.Random(3)
    data = {n: text(GRAIN) if kind == "text" else chance.randbytes(GRAIN) for n in range(300)}
    found = judge(made(tmp_path, data, 300 * GRAIN), tmp_path, mode)
    assert found["allocated-clusters"] == 300
    is_packed = kind == "text" and mode in ("deflate", "transplant")
    assert found.get("compressed-clusters", 0) == (300 if is_packed else 0)
    size = (tmp_path / "disk.qcow2").stat().st_size
    assert size < 2 * MIB if is_packed else size >= 300 * GRAIN


@needs_qemu_img
@pytest.mark.parametrize("noise", [63_500, 64_000, 65_000, 65_400, 65_530])
def test_grains_that_compress_a_little_are_moved(tmp_path: Path, noise: int) -> None:
    """Whatever is shorter than a cluster is, and the others are written as they are."""
    chance = random.Random(noise)
    data = {n: text(GRAIN - noise) + chance.randbytes(noise) for n in range(20)}
    found = judge(made(tmp_path, data, 20 * GRAIN), tmp_path, "transplant")
    assert found["allocated-clusters"] == 20
    assert found.get("compressed-clusters", 0) == (20 if noise < 65_500 else 0)


@needs_qemu_img
@modes
def test_two_tebibytes_with_few_grains(tmp_path: Path, mode: Any) -> None:
    """In the first cluster, in the last, and in one of each hundredth table between."""
    capacity = 2 << 40
    count = capacity // GRAIN
    data = {number: text(GRAIN) for number in range(0, count, 819_200 + 1)}
    data[count - 1] = far_apart(5)
    source = made(tmp_path, data, capacity)
    target = tmp_path / "disk.qcow2"
    image.convert(source, target, qcow2_compression=mode)
    found = checked(target)
    assert found["allocated-clusters"] == len(data)
    image.convert(source, tmp_path / "disk.raw")
    same(target, tmp_path / "disk.raw", formats=("qcow2", "raw"))
    assert target.stat().st_blocks * 512 < 8 * MIB


@needs_qemu_img
@pytest.mark.large
@pytest.mark.parametrize("mode", ["none", "transplant"])
def test_more_than_one_refcount_block(tmp_path: Path, mode: Any) -> None:
    """A block counts 2 GiB of the file. All grains are the same, which costs little here."""
    if not os.environ.get("NFCLEASE_LARGE_TESTS"):
        pytest.skip("not run: takes 5 GB; NFCLEASE_LARGE_TESTS=1 runs it")
    noise = text(GRAIN - 60_000) + random.Random(7).randbytes(60_000)
    count = 40_000
    data = dict.fromkeys(range(count), noise)
    source = made(tmp_path, data, count * GRAIN)
    target = tmp_path / "disk.qcow2"
    image.convert(source, target, qcow2_compression=mode)
    found = checked(target)
    assert found["allocated-clusters"] == count
    assert found["image-end-offset"] > 2 << 30
    same(target, source, formats=("qcow2", "vmdk"))


@needs_qemu_img
@modes
@pytest.mark.parametrize("disk", ["with data", "smallest", "disk of its own class", "qemu"])
def test_disks_that_others_wrote(tmp_path: Path, mode: Any, disk: str) -> None:
    source = tmp_path / "source.vmdk"
    if disk == "qemu":
        first = made(tmp_path, grains(300), 300 * GRAIN)
        stream_by_qemu(first, source, format="vmdk")
        first.unlink()
    else:
        disk_of_package(PACKAGES[disk].path(), source)
    judge(source, tmp_path, mode)


@modes
@pytest.mark.parametrize("where", ["table", "end", "header", "grain"])
def test_a_damaged_disk_leaves_nothing(tmp_path: Path, mode: Any, where: str) -> None:
    source = made(tmp_path, grains(600), 600 * GRAIN)
    source.write_bytes(damaged(source.read_bytes(), where))
    (tmp_path / "disk.qcow2").write_bytes(b"old")
    options: dict[str, Any] = {"qcow2_compression": mode, "overwrite": True}
    if mode == "transplant":
        options["grains"] = True
    with pytest.raises(nfclease.DiskFormatError, match=r"disk\.vmdk"):
        image.convert(source, tmp_path / "disk.qcow2", **options)
    assert sorted(os.listdir(tmp_path)) == ["disk.qcow2", "disk.vmdk"]
    assert (tmp_path / "disk.qcow2").read_bytes() == b"old"


def test_what_a_transplant_does_not_find(tmp_path: Path) -> None:
    """A bit within the compressed data of a grain is moved as it is, as its page says."""
    source = made(tmp_path, {0: text(GRAIN), 1: far_apart(1)}, 2 * GRAIN)
    data = bytearray(source.read_bytes())
    data[data.rindex(struct.pack("<Q", 128), 65536, 70000) + 900] ^= 1
    source.write_bytes(data)
    image.convert(source, tmp_path / "disk.qcow2", qcow2_compression="transplant")
    with pytest.raises(nfclease.DiskFormatError, match="the grain of sector 128 is wrong"):
        image.convert(source, tmp_path / "other.qcow2", qcow2_compression="transplant", grains=True)
    assert sorted(os.listdir(tmp_path)) == ["disk.qcow2", "disk.vmdk"]


@pytest.mark.parametrize("level", [0, 1])
def test_a_stored_grain_is_as_long_as_it_says(tmp_path: Path, level: int) -> None:
    """It is not decompressed; but each of its blocks says its length, and again inverted."""
    noise = random.Random(11).randbytes(GRAIN)
    data = bytearray(stream({0: noise, 1: text(GRAIN)}, 2 * GRAIN, level=level))
    data[data.index(noise[:100]) - 4] ^= 1
    source = tmp_path / "disk.vmdk"
    source.write_bytes(data)
    with pytest.raises(nfclease.DiskFormatError, match="the grain of sector 0 is wrong"):
        image.convert(source, tmp_path / "disk.qcow2", qcow2_compression="transplant")
    assert os.listdir(tmp_path) == ["disk.vmdk"]


@needs_qemu_img
def test_a_cut_package_is_refused(tmp_path: Path) -> None:
    """A genuine disk that was cut."""
    source = disk_of_package(cut_file(), tmp_path / "cut.vmdk")
    mode: Any
    for mode in MODES:
        with pytest.raises(nfclease.DiskFormatError, match="not whole"):
            image.convert(source, tmp_path / "disk.qcow2", qcow2_compression=mode)
    assert os.listdir(tmp_path) == ["cut.vmdk"]
