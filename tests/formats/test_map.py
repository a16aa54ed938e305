"""`image.map` and `nfclease map`: what is stored, as qemu-img says it of the same file."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, stream
from ..support.genuine import disk_of_package, pyvcloud_file
from ..support.made_disks import CAPACITY, MAKERS, MIB, by_vmware, grains
from ..support.packages import ova, package
from ..support.qemu import program


@pytest.fixture(params=MAKERS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return MAKERS[request.param](tmp_path / "disk.vmdk")


def by_qemu_img(disk: Path) -> list[dict[str, Any]]:
    command = [program("qemu-img"), "map", "--output=json", "-f", "vmdk", str(disk)]
    done = subprocess.run(command, check=True, capture_output=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def merged(extents: list[dict[str, Any]]) -> list[tuple[int, int, bool, bool]]:
    """Start, end, whether it is data and whether it is zero."""
    rows: list[tuple[int, int, bool, bool]] = []
    for one in extents:
        kind = (one["data"], one["zero"])
        start, end = one["start"], one["start"] + one["length"]
        if rows and rows[-1][2:] == kind and rows[-1][1] == start:
            start = rows.pop()[0]
        rows.append((start, end, *kind))
    return rows


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nfclease", "map", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_beside_qemu_img(disk: Path) -> None:
    ours = json.loads(run("--output", "json", disk).stdout)
    theirs = by_qemu_img(disk)
    assert merged(ours) == merged(theirs)
    assert len(merged(ours)) > 5
    known = theirs[0].keys() & ours[0].keys()  # 7.2 says neither present nor compressed of it
    assert known >= {"start", "length", "depth", "zero", "data"}
    assert [{key: one[key] for key in known} for one in ours] == [
        {key: one[key] for key in known} for one in theirs
    ]


def test_a_genuine_disk_beside_qemu_img(tmp_path: Path) -> None:
    archive = pyvcloud_file("yVM_OS_with_VMTools.ova")
    disk = disk_of_package(archive, tmp_path / "disk.vmdk")
    ours = json.loads(run("--output", "json", archive).stdout)
    assert merged(ours) == merged(by_qemu_img(disk))
    assert sum(one["length"] for one in ours if one["data"]) == 286 * GRAIN


def test_the_extents(tmp_path: Path) -> None:
    path = by_vmware(tmp_path / "disk.vmdk")
    extents = list(image.map(path))
    assert sum(one.length for one in extents) == CAPACITY
    assert [one.start for one in extents[1:]] == [one.start + one.length for one in extents[:-1]]
    stored = [one.start // GRAIN for one in extents if one.data]
    assert stored == [0, 3, 511, 600, 1000, CAPACITY // GRAIN]
    assert extents[-1].length == 3 * 512
    data = path.read_bytes()
    for one in extents:
        if one.data:
            assert one.offset is not None
            assert struct.unpack_from("<Q", data, one.offset)[0] == one.start // 512
            assert (one.present, one.zero, one.compressed) == (True, False, True)
        else:
            assert (one.present, one.zero, one.compressed) == (False, True, False)
            assert one.offset is None


def test_zeros_that_the_tables_name(tmp_path: Path) -> None:
    """Flag 4 of the header: an entry of 1 is a grain of zeros. QEMU agrees."""
    path = MAKERS["qemu"](tmp_path / "disk.vmdk")
    data = bytearray(path.read_bytes())
    flags = struct.unpack_from("<I", data, 8)[0]
    directory = struct.unpack_from("<Q", data, 56)[0] * 512
    table = struct.unpack_from("<I", data, directory)[0] * 512
    struct.pack_into("<I", data, 8, flags | 4)
    struct.pack_into("<2I", data, table + 4 * 20, 1, 1)
    path.write_bytes(data)
    [zeros] = [one for one in image.map(path) if one.zero and one.present]
    assert (zeros.start, zeros.length, zeros.data) == (20 * GRAIN, 2 * GRAIN, False)
    assert merged(json.loads(run("--output", "json", path).stdout)) == merged(by_qemu_img(path))
    with image.open(path) as file:
        assert file.read_at(20 * GRAIN, 2 * GRAIN) == bytes(2 * GRAIN)
        assert (file.info.zero_grains, file.info.grains) == (2, len(grains()) - 1)


def test_empty_full_and_large(tmp_path: Path) -> None:
    path = tmp_path / "disk.vmdk"
    for blocks, capacity, expected in [
        ({}, 2 << 40, [(0, 2 << 40, False)]),
        (dict.fromkeys(range(16), b"x"), MIB, [(0, MIB, True)]),
        ({}, 512, [(0, 512, False)]),
    ]:
        path.write_bytes(stream(blocks, capacity))
        assert [(one.start, one.length, one.data) for one in image.map(path)] == expected


def test_two_tables_at_one_place(tmp_path: Path) -> None:
    """A file of some KB must not have a map without end."""
    path = by_vmware(tmp_path / "disk.vmdk")
    data = bytearray(path.read_bytes())
    first = data[-2048:-2044]
    data[-2044:-2040] = first
    path.write_bytes(data)
    extents = image.map(path)
    with pytest.raises(nfclease.DiskFormatError, match=r"where table 1 is.*65536 to 131071"):
        list(extents)


def test_errors_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        image.map(tmp_path / "missing.vmdk")


def test_the_command(tmp_path: Path) -> None:
    path = by_vmware(tmp_path / "disk.vmdk")
    lines = run(path).stdout.splitlines()
    assert lines[0].split() == ["OFFSET", "LENGTH", "STORED"]
    assert lines[1].split() == ["0x0", "0x10000", "at", "0x10000"]
    assert lines[2].split() == ["0x10000", "0x20000", "no"]
    rows = [json.loads(line) for line in run("--json", path).stdout.splitlines()]
    assert {row["type"] for row in rows} == {"extent"}
    assert [row["start"] for row in rows] == [one.start for one in image.map(path)]
    archive = tmp_path / "x.ova"
    archive.write_bytes(ova(package({"disk.vmdk": path.read_bytes()})))
    assert run(archive, "--member", "disk.vmdk").stdout.splitlines() == lines
    assert json.loads(run("--output", "json", archive).stdout)[0]["compressed"] is True
    data = bytearray(path.read_bytes())
    data[-1024:-1020] = b"KDMX"
    path.write_bytes(data)
    done = run(path)
    assert done.returncode == 3
    assert "disk.vmdk" in done.stderr
