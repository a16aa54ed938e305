"""`image.normalise`: what qemu-img wrote is, grain by grain, what VMware would have written."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, grains_of
from ..support.failing_calls import traced
from ..support.genuine import disk_of_package, pyvcloud_file
from ..support.made_disks import (
    CAPACITY,
    MAKERS,
    by_qemu,
    by_vmware,
    grains,
    plain_bytes,
)
from ..support.qemu import program, same, stream_by_qemu
from ..support.waiting import wait_for

MIB = 1 << 20


def compressed_grains(disk: bytes) -> dict[int, bytes]:
    """The compressed data of each grain, by its sector."""
    return {sector: disk[at + 12 : at + 12 + size] for at, sector, size in grains_of(disk)}


def sevenzip_opens(disk: Path) -> bool:
    done = subprocess.run([program("7zz"), "t", "-tvmdk", str(disk)], capture_output=True)
    return done.returncode == 0


def is_normal(disk: Path) -> None:
    """The layout by its numbers, and to its last byte."""
    data = disk.read_bytes()
    magic, version, flags = struct.unpack_from("<4sII", data)
    assert (magic, version, flags) == (b"KDMV", 3, 0x30001)
    assert struct.unpack_from("<Q", data, 56) == (2**64 - 1,)
    footer, end = data[-1024:-512], data[-512:]
    assert end == bytes(512)
    assert (footer[:56], footer[64:]) == (data[:56], data[64:512])
    result = nfclease.verify(disk, grains=True)
    assert result.ok, result.problems
    [row] = result.disks
    assert (row.directory_in_front, row.end_marker) == (False, True)


@pytest.mark.parametrize("checks", [False, True])
def test_a_disk_of_qemu(
    normalise: Callable[..., image.Normalised], tmp_path: Path, checks: bool
) -> None:
    source, target = by_qemu(tmp_path / "in.vmdk"), tmp_path / "out.vmdk"
    assert not sevenzip_opens(source)
    made = normalise(source, target, grains=checks)
    is_normal(target)
    assert sevenzip_opens(target)
    same(source, target, formats=("vmdk", "vmdk"))
    with image.open(target) as file:
        assert file.read() == plain_bytes()
    [file_row] = made.files
    assert (made.path, made.notes, file_row.name) == (str(target), (), "in.vmdk")
    assert (file_row.old_size, file_row.size) == (source.stat().st_size, target.stat().st_size)
    assert (file_row.capacity, file_row.populated) == (CAPACITY, (len(grains()) - 1) * GRAIN)
    before, after = (compressed_grains(path.read_bytes()) for path in (source, target))
    last = CAPACITY // GRAIN * 128
    assert before.keys() == after.keys()
    assert len(zlib.decompress(before.pop(last))) < GRAIN == len(zlib.decompress(after.pop(last)))
    assert before == after
    assert sorted(os.listdir(tmp_path)) == ["in.vmdk", "out.vmdk"]


def test_what_is_normal_stays_the_same(tmp_path: Path) -> None:
    """A disk of VMware's is what it was, to the byte."""
    path = by_vmware(tmp_path / "in.vmdk")
    image.normalise(path, tmp_path / "out.vmdk")
    assert (tmp_path / "out.vmdk").read_bytes() == path.read_bytes()
    archive = pyvcloud_file("yVM_OS_with_VMTools.ova")
    genuine = disk_of_package(archive, tmp_path / "genuine.vmdk")
    image.normalise(genuine, tmp_path / "again.vmdk")
    assert (tmp_path / "again.vmdk").read_bytes() == genuine.read_bytes()


@pytest.mark.parametrize("size", [0, GRAIN, 33 * MIB, 40 * MIB + 512])
def test_sizes(tmp_path: Path, size: int) -> None:
    raw = tmp_path / "raw"
    text = b"".join(b"%9d " % number for number in range(size // 40))
    raw.write_bytes(text.ljust(size - 3, b"\0") + b"end" if size else bytes(MIB))
    stream_by_qemu(raw, tmp_path / "in.vmdk")
    image.normalise(tmp_path / "in.vmdk", tmp_path / "out.vmdk")
    is_normal(tmp_path / "out.vmdk")
    assert sevenzip_opens(tmp_path / "out.vmdk")
    same(tmp_path / "in.vmdk", tmp_path / "out.vmdk", formats=("vmdk", "vmdk"))


def test_in_place(normalise: Callable[..., image.Normalised], tmp_path: Path) -> None:
    path = by_qemu(tmp_path / "disk.vmdk")
    with pytest.raises(FileExistsError):
        normalise(path, path)
    normalise(path, path, overwrite=True)
    is_normal(path)
    assert os.listdir(tmp_path) == ["disk.vmdk"]


@pytest.mark.parametrize("where", ["grain", "tables", "cut", "no disk"])
def test_a_damaged_disk_leaves_nothing(
    normalise: Callable[..., image.Normalised], tmp_path: Path, where: str
) -> None:
    path = by_qemu(tmp_path / "in.vmdk")
    data = bytearray(path.read_bytes())
    start = struct.unpack_from("<Q", data, 64)[0] * 512
    if where == "grain":
        data[start + 3000] ^= 4
    elif where == "tables":
        directory = struct.unpack_from("<Q", data, 56)[0] * 512
        data[struct.unpack_from("<I", data, directory)[0] * 512] ^= 1
    elif where == "cut":
        del data[start + 3000 :]
    else:
        data[:4] = b"COWD"
    path.write_bytes(data)
    target = tmp_path / "out.vmdk"
    target.write_bytes(b"old")
    with pytest.raises(nfclease.DiskFormatError, match=r"in\.vmdk"):
        normalise(path, target, grains=where == "grain", overwrite=True)
    assert target.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["in.vmdk", "out.vmdk"]


def test_damage_in_a_grain_is_found_later(tmp_path: Path) -> None:
    """Unchecked, a grain is moved as it is, with the checksum that tells of the damage."""
    path = by_qemu(tmp_path / "in.vmdk")
    data = bytearray(path.read_bytes())
    data[struct.unpack_from("<Q", data, 64)[0] * 512 + 3000] ^= 4
    path.write_bytes(data)
    image.normalise(path, tmp_path / "out.vmdk")
    [row] = nfclease.verify(tmp_path / "out.vmdk", grains=True).disks
    assert (row.flaw, row.sectors) == ("damaged", (0, 128))


@traced
@pytest.mark.parametrize(("call", "path"), [("write", "out/disk.vmdk.part"), ("openat", "in.vmdk")])
def test_ctrl_c(tmp_path: Path, call: str, path: str) -> None:
    """While the last is written, which takes a second, and while the job starts, as long."""
    source, out, trace = by_qemu(tmp_path / "in.vmdk"), tmp_path / "out", tmp_path / "trace"
    out.mkdir()
    strace = ["strace", "-D", "-f", "-qq", "-o", str(trace), "-e", f"trace={call}"]
    strace += ["-e", f"inject={call}:delay_enter=1000000", "-P", str(tmp_path / path)]
    command = [sys.executable, "-m", "nfclease", "normalise", str(source), str(out / "disk.vmdk")]
    process = subprocess.Popen([*strace, *command])
    if call == "openat":  # what the source is was looked at first
        wait_for(lambda: trace.exists() and "DELAYED" in trace.read_text())
    else:
        wait_for(lambda: (tmp_path / path).exists())
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert os.listdir(out) == []


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nfclease", "normalise", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_command(tmp_path: Path) -> None:
    source = MAKERS["qemu"](tmp_path / "in.vmdk")
    done = run("--json", source, tmp_path / "out.vmdk")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["command"], row["files"][0]["capacity"]) == ("normalise", CAPACITY)
    done = run(source, tmp_path / "out.vmdk")
    assert done.returncode == 1
    assert "--overwrite" in done.stderr
    done = run("--overwrite", source, tmp_path / "out.vmdk")
    assert "1 disk" in done.stdout
    os.truncate(source, source.stat().st_size // 2)
    assert run(source, tmp_path / "other.vmdk").returncode == 3


@pytest.mark.parametrize("maker", MAKERS)
def test_every_number_changed(tmp_path: Path, maker: str) -> None:
    """What comes of a changed header or table is refused, or right by itself."""
    path, target = MAKERS[maker](tmp_path / "in.vmdk"), tmp_path / "out.vmdk"
    whole = path.read_bytes()
    tables = struct.unpack_from("<Q", whole, 56)[0] * 512 if maker == "qemu" else len(whole) - 2600
    places = [*range(0, 80, 4), *range(tables, min(tables + 2600, len(whole)), 36)]
    refused = 0
    for at in places:
        for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
            data = bytearray(whole)
            struct.pack_into("<I", data, at, value)
            path.write_bytes(data)
            try:
                image.normalise(path, target, overwrite=True)
            except nfclease.DiskFormatError:
                refused += 1
                continue
            result = nfclease.verify(target, grains=True)
            assert result.ok, (at, value, result.problems)
    assert refused > len(places)
