"""qcow2 images as sources: what QEMU made is read, and what is not read is refused by name."""

from __future__ import annotations

import os
import random
import struct
import time
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN
from ..support.qemu import compared, filled, qemu_img, same

MIB = 1 << 20
SIZE = 34 * MIB + 512
#: All that a qcow2 image becomes.
targets = pytest.mark.parametrize("to", ["vmdk", "raw", "qcow2"])


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Text, noise, and zeros of both kinds, with a begin and an end."""
    chance = random.Random(5)
    path = tmp_path / "disk.raw"
    with path.open("wb") as disk:
        disk.truncate(SIZE)
        for at, data in (
            (0, b"the begin of the disk"),
            (3 * MIB - 700, chance.randbytes(5 * GRAIN + 99)),
            (8 * MIB, b"text that is compressed well " * 20_000),
            (20 * MIB, bytes(2 * MIB)),
            (33 * MIB, chance.randbytes(MIB + 512)),
        ):
            disk.seek(at)
            disk.write(data)
    return path


@pytest.mark.parametrize("compat", ["0.10", "1.1"])
@pytest.mark.parametrize("cluster", [512, 4096, 65536, 2 * MIB])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_qemu_makes(
    raw: Path, tmp_path: Path, compat: str, cluster: int, compressed: bool
) -> None:
    qcow2, vmdk = tmp_path / "disk.qcow2", tmp_path / "disk.vmdk"
    options = ["-O", "qcow2", "-o", f"compat={compat},cluster_size={cluster}"]
    qemu_img("convert", "-f", "raw", *options, *(["-c"] if compressed else []), raw, qcow2)
    made = image.convert(qcow2, vmdk, to="vmdk")
    assert made.capacity == -(-SIZE // GRAIN) * GRAIN
    compared(vmdk, raw)
    image.convert(qcow2, tmp_path / "again.raw")
    assert (tmp_path / "again.raw").read_bytes() == raw.read_bytes()
    image.convert(raw, tmp_path / "of-raw.vmdk", to="vmdk")
    # The same disk, so the same bytes: but for the name in the descriptor.
    assert vmdk.stat().st_size == (tmp_path / "of-raw.vmdk").stat().st_size


@pytest.mark.parametrize("preallocation", ["metadata", "full"])
def test_preallocated(raw: Path, tmp_path: Path, preallocation: str) -> None:
    """Clusters that are there and were never written to."""
    qcow2 = tmp_path / "disk.qcow2"
    qemu_img("create", "-f", "qcow2", "-o", f"preallocation={preallocation}", qcow2, 40 * MIB)
    for to in ("vmdk", "raw"):
        made = image.convert(qcow2, tmp_path / f"new.{to}", to=to)
        assert (made.capacity, made.populated) == (40 * MIB, 0)
        same(tmp_path / f"new.{to}", qcow2, formats=(to, "qcow2"))


def test_a_large_disk_with_little_in_it(tmp_path: Path) -> None:
    qcow2 = tmp_path / "disk.qcow2"
    qemu_img("create", "-f", "qcow2", qcow2, 2 << 40)
    for to in ("vmdk", "raw"):
        begun = time.monotonic()
        made = image.convert(qcow2, tmp_path / f"new.{to}", to=to)
        assert (made.capacity, made.populated) == (2 << 40, 0)
        assert time.monotonic() - begun < 20
        places = (0, 1 << 40, (2 << 40) - MIB)
        filled(tmp_path / f"new.{to}", dict.fromkeys(places, (MIB, 0)), to)


def test_snapshots_are_not_the_disk(raw: Path, tmp_path: Path) -> None:
    qcow2 = tmp_path / "disk.qcow2"
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, qcow2)
    qemu_img("snapshot", "-c", "before", qcow2)
    image.convert(qcow2, tmp_path / "disk.vmdk", to="vmdk")
    compared(tmp_path / "disk.vmdk", raw)
    image.convert(qcow2, tmp_path / "disk.raw", overwrite=True)
    image.convert(qcow2, tmp_path / "again.qcow2")
    compared(tmp_path / "again.qcow2", raw, formats=("qcow2", "raw"))


REFUSED = {
    "backing file": ("create", "-f", "qcow2", "-b", "{raw}", "-F", "raw", "{disk}"),
    # For LUKS qemu-img measures the processor first, which fails beside others.
    "encrypted": (
        *("create", "-f", "qcow2", "--object", "secret,id=key,data=abc"),
        *("-o", "encrypt.format=aes,encrypt.key-secret=key", "{disk}", "1M"),
    ),
    "external file": ("create", "-f", "qcow2", "-o", "data_file={data}", "{disk}", "1M"),
    "zstd": ("create", "-f", "qcow2", "-o", "compression_type=zstd", "{disk}", "1M"),
    "extended L2": ("create", "-f", "qcow2", "-o", "extended_l2=on", "{disk}", "1M"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_read_is_named(raw: Path, tmp_path: Path, what: str) -> None:
    qcow2 = tmp_path / "disk.qcow2"
    names = {"raw": raw, "disk": qcow2, "data": tmp_path / "data.raw"}
    qemu_img(*(word.format(**names) for word in REFUSED[what]))
    before = sorted(os.listdir(tmp_path))
    to: Any
    for to in ("vmdk", "raw", "qcow2"):
        with pytest.raises(nfclease.DiskFormatError, match=rf"disk\.qcow2: .*{what}"):
            image.convert(qcow2, tmp_path / "new", to=to)
    assert sorted(os.listdir(tmp_path)) == before


def small(raw_bytes: bytes, tmp_path: Path, *options: str) -> bytes:
    raw, qcow2 = tmp_path / "small.raw", tmp_path / "small.qcow2"
    raw.write_bytes(raw_bytes)
    qemu_img("convert", "-f", "raw", "-O", "qcow2", *options, raw, qcow2)
    return qcow2.read_bytes()


@targets
def test_changed_bytes_are_refused_or_read(tmp_path: Path, to: Any) -> None:
    """A cluster has no checksum. No change makes more of a file than it says, or hangs."""
    chance = random.Random(11)
    data = chance.randbytes(3 * 4096) + b"text " * 4000 + bytes(30_000)
    for options in ((), ("-c",)):
        whole = small(data, tmp_path, "-o", "cluster_size=4096", *options)
        qcow2, new = tmp_path / "flipped.qcow2", tmp_path / "new"
        places = [*range(112), *(chance.randrange(len(whole)) for _ in range(150))]
        # The tables, whose every byte matters.
        l1 = int.from_bytes(whole[40:48], "big")
        l2 = int.from_bytes(whole[l1 : l1 + 8], "big") & 0x00FFFFFFFFFFFE00
        places += [*range(l1, l1 + 8), *range(l2, l2 + 96)]
        refused = 0
        for at in places:
            changed = bytearray(whole)
            changed[at] ^= 1 << chance.randrange(8)
            qcow2.write_bytes(changed)
            try:
                made = image.convert(qcow2, new, to=to, overwrite=True)
            except (nfclease.NfcError, ValueError, OSError):
                refused += 1
            else:
                assert made.populated <= 64 * len(whole)
        assert 40 < refused < len(places)


@targets
@pytest.mark.parametrize("keep", [0, 3, 4, 71, 103, 4096, 20_000])
def test_a_cut_image(tmp_path: Path, keep: int, to: Any) -> None:
    whole = small(random.Random(1).randbytes(100_000), tmp_path, "-o", "cluster_size=4096")
    (tmp_path / "cut.qcow2").write_bytes(whole[:keep])
    with pytest.raises(nfclease.DiskFormatError):
        image.convert(tmp_path / "cut.qcow2", tmp_path / "new", to=to)
    assert not list(tmp_path.glob("new*"))


def qcow2_of(l1: list[int], size: int, rest: bytes) -> bytes:
    """Version 2, clusters of 64 KiB, the L1 table at 64 KiB and `rest` at 128 KiB."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, size, 0, len(l1), GRAIN, 0, 0, 0, 0
    )
    table = struct.pack(f">{len(l1)}Q", *l1)
    return header.ljust(GRAIN, b"\0") + table.ljust(GRAIN, b"\0") + rest


@targets
@pytest.mark.parametrize("loop", ["one table again and again", "one cluster again and again"])
def test_tables_that_would_never_end(tmp_path: Path, loop: str, to: Any) -> None:
    """A file of 256 KiB that says it is a disk of 4 TiB: it is refused before much is read."""
    tables = 8192
    one_cluster = struct.pack(">8192Q", *([3 * GRAIN] * 8192))
    rest = (bytes(GRAIN) if loop.startswith("one table") else one_cluster) + b"x" * GRAIN
    l1 = [2 * GRAIN] * tables if loop.startswith("one table") else [2 * GRAIN]
    (tmp_path / "loop.qcow2").write_bytes(qcow2_of(l1, 512 * MIB * len(l1), rest))
    begun = time.monotonic()
    with pytest.raises(nfclease.DiskFormatError, match="more clusters than the file has room for"):
        image.convert(tmp_path / "loop.qcow2", tmp_path / "new", to=to)
    assert time.monotonic() - begun < 10
    assert os.listdir(tmp_path) == ["loop.qcow2"]


@targets
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (3 * GRAIN + 512, "a cluster is at byte 197120"),
        (9 * GRAIN, "a cluster is at byte 589824"),
        (0x00FFFFFFFFFF0000, "a cluster is at byte"),
        (1 << 62 | 9 * GRAIN, "a compressed cluster is at byte 589824"),
        (1 << 62 | 3 * GRAIN, "cannot be decompressed"),
        (0x7FFFFFFFFFFFFFFF, "a compressed cluster is at byte"),
    ],
)
def test_a_cluster_that_is_not_there(tmp_path: Path, entry: int, said: str, to: Any) -> None:
    table = struct.pack(">2Q", 0, entry).ljust(GRAIN, b"\0")
    (tmp_path / "lie.qcow2").write_bytes(qcow2_of([2 * GRAIN], 2 * MIB, table + b"\xff" * GRAIN))
    with pytest.raises(nfclease.DiskFormatError, match=rf"lie\.qcow2: it is damaged: .*{said}"):
        image.convert(tmp_path / "lie.qcow2", tmp_path / "new", to=to)
    assert os.listdir(tmp_path) == ["lie.qcow2"]
