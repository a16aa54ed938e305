"""`image.convert` to vmdk: others read the source's bytes in it."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.convert_command import interrupted, run_convert
from ..support.disks import GRAIN, stream
from ..support.failing_calls import traced
from ..support.loop_device import loop_device
from ..support.qemu import compared, filled, stream_by_qemu

MIB = 1 << 20


def raw_disk(path: Path, size: int, grains: dict[int, bytes]) -> Path:
    with path.open("wb") as disk:
        disk.truncate(size)
        for number, data in grains.items():
            disk.seek(number * GRAIN)
            disk.write(data)
    return path


def mixed(seed: int = 3) -> dict[int, bytes]:
    """Text, noise, zeros that take room, and what is half of each; in several tables."""
    chance = random.Random(seed)
    found = {number: chance.randbytes(GRAIN) for number in (0, 8, 511, 512, 1039)}
    found[4] = b"text that is compressed well " * 2000
    found[700] = bytes(GRAIN)
    found[701] = chance.randbytes(GRAIN // 2) + bytes(GRAIN // 2)
    return found


@pytest.mark.parametrize("compression", ["libdeflate", "zlib"])
@pytest.mark.parametrize("threads", [None, 1, 2, 8])
def test_a_raw_disk(
    convert: Callable[..., image.ConvertedImage],
    tmp_path: Path,
    threads: int | None,
    compression: str,
) -> None:
    raw = raw_disk(tmp_path / "disk.raw", 66 * MIB, mixed())
    target = tmp_path / "disk.vmdk"
    made = convert(raw, target, to="vmdk", threads=threads, vmdk_compression=compression)
    assert (made.path, made.format, made.capacity) == (str(target), "vmdk", 66 * MIB)
    assert made.populated == (len(mixed()) - 1) * GRAIN  # without the zeros
    assert sorted(os.listdir(tmp_path)) == ["disk.raw", "disk.vmdk"]
    [disk] = nfclease.verify(target, grains=True).disks
    assert (disk.flaw, disk.capacity, disk.grains) == ("", 66 * MIB, len(mixed()) - 1)
    image.convert(target, tmp_path / "back.raw")
    assert (tmp_path / "back.raw").read_bytes() == raw.read_bytes()


def test_however_many_threads_the_bytes_are_the_same(tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "disk.raw", 66 * MIB, mixed())
    made = []
    for threads in (1, 2, 8):
        image.convert(raw, tmp_path / "disk.vmdk", to="vmdk", threads=threads, overwrite=True)
        made.append((tmp_path / "disk.vmdk").read_bytes())
    assert made[0] == made[1] == made[2]
    assert made[0][512:].startswith(b"# Disk DescriptorFile\n")


@pytest.mark.parametrize(
    "size", [512, GRAIN - 512, GRAIN, 3 * MIB + 512, 32 * MIB, 33 * MIB + 12345]
)
@pytest.mark.parametrize("content", ["nothing", "everything", "the end"])
def test_beside_qemu_img(tmp_path: Path, size: int, content: str) -> None:
    """Its capacity is a multiple of 64 KiB, and what the source lacks of that is zero."""
    chance = random.Random(size)
    data = {"nothing": b"", "everything": chance.randbytes(size), "the end": b"end"}[content]
    raw = tmp_path / "disk.raw"
    with raw.open("wb") as disk:
        disk.truncate(size)
        disk.seek(size - len(data))
        disk.write(data)
    made = image.convert(raw, tmp_path / "disk.vmdk", to="vmdk")
    assert made.capacity == -(-size // GRAIN) * GRAIN
    assert made.populated == {"nothing": 0, "everything": made.capacity, "the end": GRAIN}[content]
    compared(tmp_path / "disk.vmdk", raw)


def test_two_tebibytes_of_holes(tmp_path: Path) -> None:
    """What has no bytes is not read: it would take minutes."""
    last = (2 << 40) // GRAIN - 1
    content = {0: b"\x11" * GRAIN, last: b"\x22" * GRAIN}
    raw = raw_disk(tmp_path / "disk.img", 2 << 40, content)
    made = image.convert(raw, tmp_path / "disk.vmdk", to="vmdk")
    assert (made.capacity, made.populated) == (2 << 40, 2 * GRAIN)
    assert (tmp_path / "disk.vmdk").stat().st_size < MIB
    # To compare all of it takes qemu-img half a minute.
    grains = {0: 0x11, 1: 0, last // 2: 0, last - 1: 0, last: 0x22}
    filled(tmp_path / "disk.vmdk", {n * GRAIN: (GRAIN, byte) for n, byte in grains.items()})


def test_a_block_device(tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "disk", 4 * MIB, {0: b"begin", 63: b"end"})
    with loop_device(raw) as device:
        with pytest.raises(nfclease.DiskFormatError, match="is said to be one"):
            image.convert(device, tmp_path / "disk.vmdk", to="vmdk")
        image.convert(device, tmp_path / "disk.vmdk", to="vmdk", source_format="raw")
    compared(tmp_path / "disk.vmdk", raw)


def test_a_stream_of_qemu_img_gets_vmware_s_layout(tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "disk.raw", 33 * MIB, {0: b"begin", 520: b"x" * GRAIN})
    stream_by_qemu(raw, tmp_path / "theirs.vmdk")
    image.convert(tmp_path / "theirs.vmdk", tmp_path / "ours.vmdk", to="vmdk")
    compared(tmp_path / "ours.vmdk", raw)
    data = (tmp_path / "ours.vmdk").read_bytes()
    assert data[56:64] == b"\xff" * 8  # the directory is at the end
    assert data[-512:] == bytes(512)


@pytest.mark.parametrize("flaw", ["grain", "end"])
def test_a_damaged_stream_leaves_nothing(
    convert: Callable[..., image.ConvertedImage], tmp_path: Path, flaw: str
) -> None:
    source = tmp_path / "source.vmdk"
    data = bytearray(stream({0: b"one" * 9000, 9: random.Random(1).randbytes(GRAIN)}, 2 * MIB))
    if flaw == "grain":
        data[128 * 512 + 1024 + 9000] ^= 1
    else:
        del data[-512:]
    source.write_bytes(data)
    with pytest.raises(nfclease.DiskFormatError, match=r"source\.vmdk"):
        convert(source, tmp_path / "disk.vmdk", to="vmdk")
    assert os.listdir(tmp_path) == ["source.vmdk"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("disk.vmdk", b"# Disk DescriptorFile\nversion=1\n", "descriptor of a disk whose data"),
        ("disk.vmdk", b"some text, which is no disk", "neither a streamOptimized VMDK nor"),
        ("disk", b"\0" * 4096, "neither a streamOptimized VMDK nor"),
        ("disk.vmdk", b"", "neither a streamOptimized VMDK nor"),
        ("disk.raw", b"QFI\xfb" + bytes(508), "called raw and starts with"),
        ("disk.RAW", b"KDMV" + bytes(508), "called raw and starts with"),
        ("disk.vmdk", b"KDMV" + bytes(508), "version 0 is unknown"),
        ("disk.vmdk", b"KDMV", "less than a header"),
    ],
)
def test_what_is_no_disk(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(nfclease.DiskFormatError, match=said):
        image.convert(tmp_path / name, tmp_path / "new.vmdk", to="vmdk")
    assert os.listdir(tmp_path) == [name]


def test_who_says_what_it_is(tmp_path: Path) -> None:
    """A guest may write any bytes to the begin of its disk."""
    source = tmp_path / "disk"
    source.write_bytes(b"QFI\xfb" + bytes(GRAIN - 4))
    image.convert(source, tmp_path / "new.vmdk", to="vmdk", source_format="raw")
    compared(tmp_path / "new.vmdk", source)
    for format in ("qcow2", "vmdk"):
        with pytest.raises(nfclease.DiskFormatError):
            image.convert(source, tmp_path / "other.vmdk", to="vmdk", source_format=format)
    assert not (tmp_path / "other.vmdk").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"to": "vmdk", "source_format": "vhd"},
        {"to": "vmdk", "vmdk_compression": "zstd"},
        {"to": "qcow2", "source_format": "raw", "qcow2_compression": "transplant"},
        {"to": "raw", "vmdk_compression": "zlib"},
    ],
)
def test_wrong_words(tmp_path: Path, options: Any) -> None:
    raw_disk(tmp_path / "disk.raw", MIB, {})
    with pytest.raises(ValueError, match=r"must be one of|and the source is raw|is for to='vmdk'"):
        image.convert(tmp_path / "disk.raw", tmp_path / "new", **options)
    assert os.listdir(tmp_path) == ["disk.raw"]


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "disk.raw").touch()
    with pytest.raises(ValueError, match="a disk of 0 bytes"):
        image.convert(tmp_path / "disk.raw", tmp_path / "new.vmdk", to="vmdk")
    assert os.listdir(tmp_path) == ["disk.raw"]


def test_what_is_there_stays(tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "disk.raw", MIB, {0: b"x"})
    (tmp_path / "disk.vmdk").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        image.convert(raw, tmp_path / "disk.vmdk", to="vmdk")
    assert (tmp_path / "disk.vmdk").read_bytes() == b"old"


def test_progress_comes_to_its_end(tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "disk.raw", 8 * MIB, {3: b"x"})
    seen: list[Any] = []
    image.convert(raw, tmp_path / "disk.vmdk", to="vmdk", progress=seen.append)
    assert seen[-1].done
    assert seen[-1].bytes_done == seen[-1].bytes_total == 8 * MIB


def test_the_command(tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "disk.img", MIB, {0: b"x"})
    done = run_convert("--json", "--to", "vmdk", raw, tmp_path / "disk.vmdk")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["format"], row["capacity"], row["populated"]) == ("vmdk", MIB, GRAIN)
    compared(tmp_path / "disk.vmdk", raw)
    (tmp_path / "disk").write_bytes(raw.read_bytes())
    done = run_convert("--to", "vmdk", tmp_path / "disk", tmp_path / "other.vmdk")
    assert done.returncode == 3
    assert "a raw disk is taken for one where it is called .raw or .img" in done.stderr
    done = run_convert(
        *("--to", "vmdk", "--source-format", "raw", "--vmdk-compression", "zlib"),
        *(tmp_path / "disk", tmp_path / "other.vmdk"),
    )
    assert done.returncode == 0, done.stderr


@traced
def test_ctrl_c(tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "disk.raw", 66 * MIB, mixed())
    interrupted("--to", "vmdk", raw, target=tmp_path / "out" / "disk.vmdk", write="write")
