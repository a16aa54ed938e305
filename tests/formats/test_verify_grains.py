"""`verify(grains=True)`: whole disks of several makers pass, and a flaw is told by its place."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import VerifyResult

from ..support.disks import grains_of
from ..support.genuine import cut_file, pyvcloud_file
from ..support.genuine_packages import PACKAGES, Genuine
from ..support.packages import descriptor, ova
from ..support.qemu import stream_by_qemu
from ..support.web import serving

MIB = 1 << 20


@pytest.fixture(params=["blocking", "asyncio"])
def verify(request: pytest.FixtureRequest) -> Callable[..., VerifyResult]:
    if request.param == "blocking":
        return nfclease.verify

    def in_a_loop(*args: Any, **options: Any) -> VerifyResult:
        return asyncio.run(nfclease.verify_async(*args, **options))

    return in_a_loop


@pytest.fixture
def disk(exported: list[nfclease.TransferResult]) -> Path:
    """A disk that the simulator wrote."""
    return next(Path(file.path) for file in exported if file.path and file.path.endswith(".vmdk"))


def test_what_the_simulator_wrote(verify: Callable[..., VerifyResult], disk: Path) -> None:
    result = verify(disk, grains=True)
    assert result.ok, result.problems
    grains = grains_of(disk.read_bytes())
    [row] = result.disks
    assert (row.name, row.flaw, row.offset, row.sectors) == (disk.name, "", None, None)
    assert (row.grains, row.populated) == (len(grains), len(grains) * 65536)
    assert (row.directory_in_front, row.end_marker) == (False, True)
    assert [file.size for file in result.files] == [disk.stat().st_size]


def test_the_first_flaw_is_told_by_its_place(
    verify: Callable[..., VerifyResult], disk: Path
) -> None:
    whole = disk.read_bytes()
    grains = grains_of(whole)
    damaged = bytearray(whole)
    for at, _, size in (grains[-1], grains[2]):
        damaged[at + 12 + size // 2] ^= 0x40
    disk.write_bytes(damaged)
    assert verify(disk).ok  # both its ends are right
    result = verify(disk, grains=True)
    at, sector, _ = grains[2]
    [row] = result.disks
    assert (row.flaw, row.offset, row.sectors) == ("damaged", at, (sector, sector + 128))
    [problem] = result.problems
    assert f"at byte {at}, sectors {sector} to {sector + 127} of the disk" in problem


def test_a_manifest_that_was_made_after_the_damage(
    verify: Callable[..., VerifyResult], disk: Path, tmp_path: Path
) -> None:
    """The sums agree then. The grains' own do not."""
    damaged = bytearray(disk.read_bytes())
    at, _, size = grains_of(bytes(damaged))[1]
    damaged[at + 12 + size - 1] ^= 1
    package = tmp_path / "x.ova"
    capacity = struct.unpack_from("<Q", damaged, 12)[0] * 512
    files = {"disk.vmdk": bytes(damaged)}
    text = descriptor({name: len(data) for name, data in files.items()}, capacity=capacity)
    members = {"x.ovf": text, **files}
    lines = [
        f"SHA256({name})= {hashlib.sha256(data).hexdigest()}\n" for name, data in members.items()
    ]
    package.write_bytes(ova({"x.ovf": text, "x.mf": "".join(lines).encode(), **files}))
    assert verify(package).ok
    result = verify(package, grains=True)
    assert not result.ok
    assert all(file.verified for file in result.files)
    assert "Adler-32" in result.disks[0].reason


@pytest.mark.parametrize("name", PACKAGES)
def test_genuine_packages(verify: Callable[..., VerifyResult], name: str) -> None:
    genuine: Genuine = PACKAGES[name]
    result = verify(genuine.path(), grains=True)
    assert result.ok, result.problems
    for disk in result.disks:
        assert (disk.flaw, disk.directory_in_front, disk.end_marker) == ("", False, True)


def test_a_genuine_disk_with_data(verify: Callable[..., VerifyResult]) -> None:
    [disk] = verify(pyvcloud_file("yVM_OS_with_VMTools.ova"), grains=True).disks
    assert disk.grains == 286


def test_a_genuine_truncation(verify: Callable[..., VerifyResult]) -> None:
    """Its manifest file was made after the cut, and agrees."""
    result = verify(cut_file(), grains=True)
    assert all(file.verified for file in result.files if file.checksum_type)
    [disk] = result.disks
    assert (disk.flaw, disk.grains) == ("cut", 35)
    assert disk.sectors is not None
    assert disk.capacity is not None
    assert disk.sectors[1] * 512 == disk.capacity


@pytest.fixture
def made_by_qemu(tmp_path: Path) -> Path:
    """A disk of 200 MiB, no multiple of a grain, with data of several kinds."""
    raw, disk = tmp_path / "raw", tmp_path / "qemu.vmdk"
    random.seed(1)
    with raw.open("wb") as file:
        file.truncate(200 * MIB + 512)
        for at in (0, 3 * MIB, 90 * MIB, 200 * MIB):
            file.seek(at)
            file.write(random.randbytes(90_000)[: 200 * MIB + 512 - at])
        file.seek(100 * MIB)
        file.write(b"text of a kind that is compressed well\n" * 20_000)
    stream_by_qemu(raw, disk)
    return disk


def test_what_qemu_wrote(verify: Callable[..., VerifyResult], made_by_qemu: Path) -> None:
    result = verify(made_by_qemu, grains=True)
    assert result.ok, result.problems
    [disk] = result.disks
    assert disk.directory_in_front
    assert disk.grains > 10
    assert any("in front" in note for note in result.notes)


def test_cuts_of_what_qemu_wrote(made_by_qemu: Path, tmp_path: Path) -> None:
    """Its tables are in front, so that it has no end that would be missing."""
    whole = made_by_qemu.read_bytes()
    last = len(whole.rstrip(b"\0"))
    cut = tmp_path / "cut.vmdk"
    for end in random.Random(2).sample(range(512, last), 40):
        cut.write_bytes(whole[:end])
        [disk] = nfclease.verify(cut, grains=True).disks
        assert disk.flaw in ("cut", "damaged"), end
    cut.write_bytes(whole[:last])
    assert nfclease.verify(cut, grains=True).ok


def test_a_capacity_that_the_descriptor_has_otherwise(
    verify: Callable[..., VerifyResult], disk: Path, tmp_path: Path
) -> None:
    """Importers refuse that."""
    data = disk.read_bytes()
    capacity = struct.unpack_from("<Q", data, 12)[0] * 512
    for said, ok in ((capacity, True), (capacity + 65536, False)):
        text = descriptor({"disk.vmdk": len(data)}, capacity=said)
        package = tmp_path / "x.ova"
        package.write_bytes(ova({"x.ovf": text, "disk.vmdk": data}))
        result = verify(package, grains=True)
        assert result.ok is ok, result.problems
    assert f"can hold {capacity} bytes, the descriptor says {said}" in result.problems[0]


def test_a_package_at_an_address(disk: Path, tmp_path: Path) -> None:
    data = disk.read_bytes()
    capacity = struct.unpack_from("<Q", data, 12)[0] * 512
    text = descriptor({"disk.vmdk": len(data)}, capacity=capacity)
    package = ova({"x.ovf": text, "disk.vmdk": data})
    with serving({"x.ova": package}, tmp_path) as web:
        result = nfclease.verify(web.url("x.ova"), grains=True, ca_file=web.ca_file)
    assert result.ok
    assert [each.flaw for each in result.disks] == [""]


@pytest.mark.parametrize("text", [b"", b"KDMV", b"<html>", b"KDMV" + bytes(508), b"\0" * 4096])
def test_files_that_are_no_disk(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "disk.vmdk"
    path.write_bytes(text)
    for grains in (False, True):
        result = nfclease.verify(path, grains=grains)
        assert not result.ok
        assert result.problems[0].startswith("disk.vmdk: ")


def test_a_grain_that_grows(disk: Path) -> None:
    """It inflates to far more than it may: no more than a grain is kept of it."""
    data = bytearray(disk.read_bytes())
    at, _, size = next(each for each in grains_of(bytes(data)) if each[2] > 400)
    bomb = zlib.compress(bytes(300_000), 9)
    assert len(bomb) <= size
    data[at + 12 : at + 12 + size] = bomb.ljust(size, b"\0")
    disk.write_bytes(data)
    [row] = nfclease.verify(disk, grains=True).disks
    assert row.flaw == "damaged"
    assert "more than 65536 bytes" in row.reason


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nfclease", "verify", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command(disk: Path) -> None:
    done = command("--grains", disk)
    assert done.returncode == 0, done.stderr
    count = len(grains_of(disk.read_bytes()))
    assert f"{disk.name}: {count} grains right" in done.stdout
    damaged = bytearray(disk.read_bytes())
    at, sector, size = grains_of(bytes(damaged))[0]
    damaged[at + 12 + size // 2] ^= 1
    disk.write_bytes(damaged)
    assert f"{disk.name}: WRONG (damaged)" in command("--grains", disk).stdout
    done = command("--grains", "--json", disk)
    assert done.returncode == 3
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    [row] = [row for row in rows if row["type"] == "disk"]
    assert (row["flaw"], row["offset"], row["sectors"]) == ("damaged", at, [sector, sector + 128])
