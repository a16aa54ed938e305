"""`image.convert` of raw disks and qcow2 images to each other: qemu-img finds the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, stream
from ..support.failing_calls import traced
from ..support.qemu import checked, needs_qemu_img, qemu_img, same
from ..support.waiting import wait_for

MIB = 1 << 20
Convert = Callable[..., image.ConvertedImage]


def raw_of(path: Path, size: int) -> Path:
    """Holes, zeros, text and noise in a third of it, its begin and its end included."""
    chance = random.Random(size)
    with path.open("wb") as disk:
        disk.truncate(size)
        for at in (0, *range(3 * MIB + 512, size - MIB, 5 * MIB), max(0, size - 700)):
            kinds = [chance.randbytes(200_000), b"text " * 50_000, bytes(300_000)]
            disk.seek(at)
            disk.write(chance.choice(kinds)[: size - at])
    return path


@needs_qemu_img
@pytest.mark.parametrize("size", [512, GRAIN, MIB - 512, 40 * MIB, 40 * MIB + 512, 33 * MIB + 7])
@pytest.mark.parametrize("mode", ["none", "deflate"])
def test_raw_to_qcow2_and_back(tmp_path: Path, convert: Convert, size: int, mode: str) -> None:
    raw, qcow2 = raw_of(tmp_path / "disk.raw", size), tmp_path / "disk.qcow2"
    made = convert(raw, qcow2, qcow2_compression=mode)
    whole = -(-size // 512) * 512
    assert (made.format, made.capacity) == ("qcow2", whole)
    found = checked(qcow2)
    assert made.populated == min(found["allocated-clusters"] * GRAIN, whole)
    if mode == "none" or size > 30 * MIB:
        assert ("compressed-clusters" in found) == (mode == "deflate")
    same(qcow2, raw, formats=("qcow2", "raw"))
    again = convert(qcow2, tmp_path / "again.raw")
    assert (again.capacity, again.populated) == (whole, made.populated)
    assert (tmp_path / "again.raw").read_bytes() == raw.read_bytes().ljust(whole, b"\0")


@needs_qemu_img
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_any_number_of_threads(tmp_path: Path, threads: int) -> None:
    raw, qcow2 = raw_of(tmp_path / "disk.raw", 64 * MIB), tmp_path / "disk.qcow2"
    image.convert(raw, qcow2, threads=threads)
    checked(qcow2)
    same(qcow2, raw, formats=("qcow2", "raw"))
    image.convert(qcow2, tmp_path / "again.raw", threads=threads)
    assert (tmp_path / "again.raw").read_bytes() == raw.read_bytes()


def test_what_is_zero_takes_no_room(tmp_path: Path) -> None:
    """A raw disk that was written in full, zeros included."""
    raw = tmp_path / "disk.raw"
    raw.write_bytes(b"begin" + bytes(32 * MIB - 8) + b"end")
    assert raw.stat().st_blocks * 512 >= 32 * MIB
    made = image.convert(raw, tmp_path / "disk.qcow2")
    assert made.populated == 2 * GRAIN
    assert (tmp_path / "disk.qcow2").stat().st_blocks * 512 < MIB
    image.convert(tmp_path / "disk.qcow2", tmp_path / "sparse.raw")
    image.convert(raw, tmp_path / "also.raw")
    for sparse in ("sparse.raw", "also.raw"):
        assert (tmp_path / sparse).read_bytes() == raw.read_bytes()
        assert (tmp_path / sparse).stat().st_blocks * 512 <= 2 * GRAIN


@needs_qemu_img
def test_qcow2_once_more(tmp_path: Path) -> None:
    """What QEMU compressed is stored plainly, and the other way round."""
    raw, one, other = (tmp_path / name for name in ("disk.raw", "one.qcow2", "other.qcow2"))
    raw_of(raw, 40 * MIB)
    qemu_img("convert", "-c", "-f", "raw", "-O", "qcow2", raw, one)
    image.convert(one, other)
    assert "compressed-clusters" not in checked(other)
    image.convert(other, one, qcow2_compression="deflate", overwrite=True)
    assert checked(one)["compressed-clusters"] > 0
    same(one, raw, formats=("qcow2", "raw"))


@pytest.mark.parametrize("grains", [False, True])
def test_a_transplant_needs_a_stream(tmp_path: Path, grains: bool) -> None:
    raw_of(tmp_path / "disk.raw", MIB)
    with pytest.raises(ValueError, match=r"moves the grains .*/disk\.raw is not one"):
        image.convert(
            *(tmp_path / "disk.raw", tmp_path / "new.qcow2"),
            qcow2_compression="transplant",
            grains=grains,
        )
    assert os.listdir(tmp_path) == ["disk.raw"]


def test_what_a_source_is(tmp_path: Path) -> None:
    """A raw disk whose guest wrote the begin of a stream there: nobody guesses."""
    disk = stream({0: b"x"}, MIB)
    (tmp_path / "disk.raw").write_bytes(disk)
    with pytest.raises(nfclease.DiskFormatError, match="say which it is"):
        image.convert(tmp_path / "disk.raw", tmp_path / "new.qcow2")
    as_raw = image.convert(tmp_path / "disk.raw", tmp_path / "a.img", source_format="raw")
    assert as_raw.capacity == len(disk)
    as_stream = image.convert(tmp_path / "disk.raw", tmp_path / "b.img", source_format="vmdk")
    assert as_stream.capacity == MIB
    with pytest.raises(nfclease.DiskFormatError, match="not what it is said to be"):
        image.convert(tmp_path / "disk.raw", tmp_path / "c.img", source_format="qcow2")
    (tmp_path / "text.vmdk").write_bytes(b"no disk at all")
    with pytest.raises(nfclease.DiskFormatError, match="starts with"):
        image.convert(tmp_path / "text.vmdk", tmp_path / "c.img")
    (tmp_path / "empty.img").touch()
    with pytest.raises(ValueError, match="a disk of 0 bytes"):
        image.convert(tmp_path / "empty.img", tmp_path / "c.qcow2")
    assert not list(tmp_path.glob("c.*")) + list(tmp_path.glob("new*"))


@needs_qemu_img
def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """The last cluster is damaged: all before it was written by then."""
    raw, qcow2 = raw_of(tmp_path / "disk.raw", 24 * MIB), tmp_path / "disk.qcow2"
    qemu_img("convert", "-c", "-f", "raw", "-O", "qcow2", raw, qcow2)
    with qcow2.open("r+b") as file:
        l1 = int.from_bytes(file.read(48)[40:], "big")
        file.seek(l1)
        l2 = int.from_bytes(file.read(8), "big") & 0x00FFFFFFFFFFFE00
        file.seek(l2 + 8 * (24 * MIB // GRAIN - 1))
        file.write(b"\x7f" * 8)
    raw.write_bytes(b"old")
    for target in (raw, tmp_path / "new.qcow2"):
        with pytest.raises(nfclease.DiskFormatError, match=r"disk\.qcow2: it is damaged"):
            image.convert(qcow2, target, overwrite=True)
    assert raw.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["disk.qcow2", "disk.raw"]


def test_the_command(tmp_path: Path) -> None:
    raw = raw_of(tmp_path / "disk.dd", 5 * MIB)
    command = [sys.executable, "-m", "nfclease", "convert"]
    options = ["--source-format", "raw", "--qcow2-compression", "deflate"]
    for arguments in ([*options, raw, "disk.qcow2"], ["disk.qcow2", "again.raw"]):
        line = [*command, *map(str, arguments)]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.raw").read_bytes() == raw.read_bytes()


@traced
@pytest.mark.parametrize("target", ["new.qcow2", "new.raw"])
def test_ctrl_c(tmp_path: Path, target: Any) -> None:
    """Nothing stays of what was not whole. Each write takes a second here."""
    out = tmp_path / "out"
    out.mkdir()
    raw, part = raw_of(tmp_path / "disk.raw", 64 * MIB), out / f"{target}.part"
    strace = ["strace", "-D", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", "trace=pwrite64"]
    strace += ["-e", "inject=pwrite64:delay_enter=1000000", "-P", str(part)]
    command = [sys.executable, "-m", "nfclease", "convert", str(raw), str(out / target)]
    process = subprocess.Popen([*strace, *command])
    wait_for(lambda: part.exists())
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert os.listdir(out) == []
