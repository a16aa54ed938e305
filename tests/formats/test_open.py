"""`image.open`: the bytes of a disk at any place."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nfclease import image

from ..support.disks import GRAIN, stream
from ..support.failing_calls import traced
from ..support.genuine import disk_of_package, pyvcloud_file
from ..support.made_disks import CAPACITY, MAKERS, MIB, plain_bytes
from ..support.packages import ova, package
from ..support.qemu import program, stream_by_qemu


@pytest.fixture(params=MAKERS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return MAKERS[request.param](tmp_path / "disk.vmdk")


def test_it_is_a_binary_file(disk: Path) -> None:
    expected = plain_bytes()
    with image.open(disk) as file:
        assert isinstance(file, io.BufferedReader)
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        assert (file.size, file.name, file.mode, file.closed) == (CAPACITY, str(disk), "rb", False)
        assert (file.tell(), file.read(10), file.tell()) == (0, expected[:10], 10)
        assert file.seek(-5, os.SEEK_END) == CAPACITY - 5
        assert file.read(100) == expected[-5:]
        assert file.read(1) == b""
        assert file.seek(3 * GRAIN - 7) == 3 * GRAIN - 7
        assert file.seek(4, os.SEEK_CUR) == 3 * GRAIN - 3
        buffer = bytearray(2 * GRAIN)
        assert file.readinto(buffer) == len(buffer)
        assert buffer == expected[3 * GRAIN - 3 : 5 * GRAIN - 3]
        assert file.seek(CAPACITY + 100) == CAPACITY + 100
        assert file.read() == b""
        file.seek(0)
        assert file.read() == expected
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"x")
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)


def test_any_place_and_length(disk: Path) -> None:
    expected, chance = plain_bytes(), random.Random(3)
    with image.open(disk) as file:
        for _ in range(300):
            at = chance.randrange(CAPACITY)
            length = chance.choice((0, 1, 511, 4096, GRAIN, 3 * GRAIN, 9 * MIB))
            file.seek(at)
            assert file.read(length) == expected[at : at + length]
            assert file.read_at(at, length) == expected[at : at + length]


def test_closed(disk: Path) -> None:
    file = image.open(disk)
    file.close()
    file.close()
    assert file.closed
    for use in (file.read, file.tell, lambda: file.read_at(0, 1), lambda: file.info):
        with pytest.raises(ValueError, match="closed"):
            use()
    with pytest.raises(ValueError, match="0 or more"):
        image.open(disk).read_at(-1, 5)


def test_several_threads_at_once(disk: Path) -> None:
    expected = plain_bytes()

    def reads(seed: int) -> bool:
        chance = random.Random(seed)
        for _ in range(150):
            at = chance.choice((0, 3, 4, 511, 512, 600, 1000)) * GRAIN + chance.randrange(GRAIN)
            if file.read_at(at, 5000) != expected[at : at + 5000]:
                return False
        return True

    with image.open(disk) as file, ThreadPoolExecutor(6) as pool:
        assert all(pool.map(reads, range(6)))
        file.seek(0)
        pieces = list(pool.map(lambda _: file.read(70_000), range(CAPACITY // 70_000 + 1)))
        assert sum(map(len, pieces)) == CAPACITY
        assert sorted(pieces) == sorted(
            expected[at : at + 70_000] for at in range(0, CAPACITY, 70_000)
        )


@traced
def test_opening_reads_little(tmp_path: Path) -> None:
    """Of a disk of 64 MiB that has data everywhere, the boot sector costs a few KB."""
    path = tmp_path / "disk.vmdk"
    noise = random.Random(1).randbytes(GRAIN)
    path.write_bytes(stream(dict.fromkeys(range(1024), noise), 64 * MIB))
    code = f"from nfclease import image; image.open({str(path)!r}).read_at(0, 512)"
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=read,pread64", "-P", str(path)]
    subprocess.run([*strace, *python(code)], check=True)
    lines = [line for line in trace.read_text().splitlines() if "= " in line]
    read = [int(line.rpartition("= ")[2].split()[0]) for line in lines]
    assert 2 < len(read) < 20, lines
    assert sum(read) < 256 * 1024


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_memory_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "disk.vmdk"
    noise = random.Random(1).randbytes(GRAIN)
    path.write_bytes(stream(dict.fromkeys(range(4096), noise), 256 * MIB))
    code = (
        "import re, sys; from nfclease import image; file = image.open(sys.argv[1])\n"
        "def peak():\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "file.read(1 << 20); before = peak()\n"
        "while file.read(1 << 20): pass\n"
        "print(peak() - before)"
    )
    done = subprocess.run([*python(code), str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 16 * 1024


def test_a_member_of_an_archive(tmp_path: Path) -> None:
    disks = {"one.vmdk": stream({0: b"the first"}, MIB), "two.vmdk": stream({1: b"2nd"}, MIB)}
    archive = tmp_path / "x.ova"
    archive.write_bytes(ova(package(disks)))
    with image.open(archive, member="two.vmdk") as file:
        assert file.read_at(GRAIN, 3) == b"2nd"
        assert file.name == f"{archive}: two.vmdk"
    with pytest.raises(ValueError, match=r"one\.vmdk, two\.vmdk"):
        image.open(archive)
    with pytest.raises(FileNotFoundError, match=r"one\.vmdk"):
        image.open(archive, member="three.vmdk")
    with pytest.raises(TypeError):
        image.open(archive, member=2)  # type: ignore[arg-type]
    folder = tmp_path / "x"
    folder.mkdir()
    for name, data in package({"one.vmdk": disks["one.vmdk"]}).items():
        (folder / name).write_bytes(data)
    for path in (folder, next(folder.glob("*.ovf"))):
        with image.open(path) as file:
            assert file.read(9) == b"the first"
    with pytest.raises(ValueError, match="member is for a package"):
        image.open(folder / "one.vmdk", member="one.vmdk")


def test_a_genuine_disk_in_its_archive(tmp_path: Path) -> None:
    """Its partition table, and all of it beside what `convert` makes."""
    archive = pyvcloud_file("yVM_OS_with_VMTools.ova")
    with image.open(archive) as file:
        assert file.read_at(510, 2) == b"\x55\xaa"
        start, sectors = struct.unpack("<II", file.read_at(446 + 8, 8))
        assert 0 < start < start + sectors <= file.size // 512
        image.convert(disk_of_package(archive, tmp_path / "disk.vmdk"), tmp_path / "disk.raw")
        with (tmp_path / "disk.raw").open("rb") as raw:
            while expected := raw.read(8 * MIB):
                assert file.read(8 * MIB) == expected
        assert file.read(1) == b""


def test_a_file_system(tmp_path: Path) -> None:
    """What a guest wrote is found again, by the tools of its file system and by Python."""
    raw, disk, out = tmp_path / "raw", tmp_path / "disk.vmdk", tmp_path / "out.raw"
    raw.write_bytes(bytes(40 * MIB))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "notes.txt").write_text("kept\n" * 30_000)
    subprocess.run(
        [program("mkfs.ext4"), "-q", "-L", "inside", "-d", tmp_path / "files", raw], check=True
    )
    stream_by_qemu(raw, disk)
    with image.open(disk) as file:
        assert file.read_at(1024 + 56, 2) == b"\x53\xef"
        assert file.read_at(1024 + 120, 16).rstrip(b"\0") == b"inside"
        assert file.read() == raw.read_bytes()
    image.convert(disk, out)
    subprocess.run([program("fsck.ext4"), "-fn", out], check=True, capture_output=True)
    shown = subprocess.run(
        [program("debugfs"), "-R", "cat notes.txt", out], check=True, capture_output=True
    )
    assert shown.stdout == (tmp_path / "files" / "notes.txt").read_bytes()
