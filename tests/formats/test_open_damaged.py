"""`image.open` of disks with something wrong, which is said where it is met."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, grains_of
from ..support.made_disks import MAKERS, by_vmware, plain_bytes


def test_a_damaged_grain(tmp_path: Path) -> None:
    path = by_vmware(tmp_path / "disk.vmdk")
    data = bytearray(path.read_bytes())
    [at] = [at for at, sector, _ in grains_of(data) if sector == 3 * 128]
    data[at + 3000] ^= 4
    path.write_bytes(data)
    with image.open(path) as file:
        assert file.read_at(0, GRAIN) == plain_bytes()[:GRAIN]
        for _ in range(2):
            with pytest.raises(
                nfclease.DiskFormatError, match=r"grain of sector 384.* 384 to 511 of the disk"
            ):
                file.read_at(3 * GRAIN + 5, 1)
        assert file.read_at(4 * GRAIN, 4) == b"text"
        file.seek(3 * GRAIN)
        with pytest.raises(nfclease.DiskFormatError):
            file.read(1)


def change(at: int, value: int, size: str) -> Callable[[bytearray], None]:
    def changed(data: bytearray) -> None:
        struct.pack_into(size, data, at if at >= 0 else len(data) + at, value)

    return changed


LIES: dict[str, Callable[[bytearray], None]] = {
    "directory far away": change(-1024 + 56, 1 << 40, "<Q"),
    "directory at 0": change(-1024 + 56, 0, "<Q"),
    "directory in the grains": change(-1024 + 56, 130, "<Q"),
    "another capacity in the footer": change(-1024 + 12, 1, "<Q"),
    "capacity": change(12, 1 << 36, "<Q"),
    "table far away": change(-2048, 2**32 - 1, "<I"),
    "table in the header": change(-2048, 1, "<I"),
    "no footer": lambda data: data.__delitem__(slice(-1024, None)),
    "half": lambda data: data.__delitem__(slice(len(data) // 2 // 512 * 512, None)),
}


@pytest.mark.parametrize("lie", LIES)
def test_numbers_that_lie(tmp_path: Path, lie: str) -> None:
    path = by_vmware(tmp_path / "disk.vmdk")
    data = bytearray(path.read_bytes())
    assert struct.unpack_from("<I", data, len(data) - 2048) != (0,), "no directory there"
    LIES[lie](data)
    path.write_bytes(data)
    with pytest.raises(nfclease.DiskFormatError, match=r"disk\.vmdk"), image.open(path) as file:
        for number in (0, 3, 511, 512, 1000):
            file.read_at(number * GRAIN, 1)


def test_tables_that_name_another_grain(tmp_path: Path) -> None:
    path = by_vmware(tmp_path / "disk.vmdk")
    data = bytearray(path.read_bytes())
    table = struct.unpack_from("<I", data, len(data) - 2048)[0] * 512
    third, fourth = struct.unpack_from("<2I", data, table + 3 * 4)
    struct.pack_into("<2I", data, table + 3 * 4, fourth, third)
    path.write_bytes(data)
    with image.open(path) as file:
        assert file.read_at(0, GRAIN) == plain_bytes()[:GRAIN]
        with pytest.raises(nfclease.DiskFormatError, match="where a grain table has that of"):
            file.read_at(3 * GRAIN, 1)


def test_a_cut_disk_of_qemu(tmp_path: Path) -> None:
    """Its tables are there; the grains behind the cut are not."""
    path = MAKERS["qemu"](tmp_path / "disk.vmdk")
    expected = plain_bytes()
    os.truncate(path, path.stat().st_size // 2)
    with image.open(path) as file:
        assert file.read_at(0, GRAIN) == expected[:GRAIN]
        with pytest.raises(nfclease.DiskFormatError):
            file.read_at(1000 * GRAIN, 1)


def test_what_is_no_disk(tmp_path: Path) -> None:
    for name, data in {"a.vmdk": b"# Disk DescriptorFile\n" * 90, "b.vmdk": b"", "c": b"x"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(nfclease.DiskFormatError if "." in name else nfclease.PackageError):
            image.open(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        image.open(tmp_path / "missing.vmdk")
    with pytest.raises(TypeError):
        image.open(3)  # type: ignore[arg-type]


def test_every_number_changed(tmp_path: Path) -> None:
    """Whatever stands in header, tables and footer: an answer or an error of ours, and soon."""
    path = by_vmware(tmp_path / "disk.vmdk")
    whole = path.read_bytes()
    ends = [*range(0, 80, 4), *range(len(whole) - 3 * 512 - 2 * 512 - 64, len(whole), 4)]
    for at in ends:
        for value in (0, 1, 2, 0x7FFFFFFF, 0xFFFFFFFF):
            data = bytearray(whole)
            struct.pack_into("<I", data, at, value)
            path.write_bytes(data)
            try:
                with image.open(path) as file:
                    file.read_at(0, 100)
                    file.read_at(1000 * GRAIN, 100)
                    assert sum(one.length for one in image.map(path)) == file.size
            except nfclease.DiskFormatError:
                pass
