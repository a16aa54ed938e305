"""`inspect` of a disk by itself: what its header, its text and its tables say."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nfclease

from ..support.disks import GRAIN, stream
from ..support.made_disks import CAPACITY, MAKERS, by_vmware, grains


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nfclease", "inspect", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
    )


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("face", ["blocking", "asyncio"])
def test_what_it_says(tmp_path: Path, maker: str, face: str) -> None:
    path = MAKERS[maker](tmp_path / "disk.vmdk")
    if face == "asyncio":
        info = asyncio.run(nfclease.inspect_async(path))
    else:
        info = nfclease.inspect(path)
    image = info.image
    assert image is not None
    stored = len(grains()) - (maker == "qemu")  # which leaves the grain of zeros out
    assert (image.capacity, image.grain_size, image.version) == (CAPACITY, GRAIN, 3)
    assert (image.grains, image.populated, image.zero_grains) == (stored, stored * GRAIN, 0)
    assert image.stored_size == path.stat().st_size
    assert image.directory_in_front is (maker == "qemu")
    # Of qemu-img the end is marked by chance alone: where the last grain is short.
    assert image.end_marker is True
    assert image.descriptor["createType"] == "streamOptimized"
    assert image.descriptor["parentCID"] == "ffffffff"
    [disk], [file] = info.disks, info.files
    assert (disk.capacity, disk.populated_size) == (CAPACITY, stored * GRAIN)
    assert (file.path, file.stored_size) == ("disk.vmdk", image.stored_size)
    assert (info.name, info.version, info.systems) == ("disk.vmdk", "", ())


def test_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "disk.vmdk"
    blocks = dict.fromkeys([*range(8), *range(64, 66), 127], b"x")
    path.write_bytes(stream(blocks, 128 * GRAIN))
    image = nfclease.inspect(path).image
    assert image is not None
    assert image.cells[:5] == (1000, 1000, 1000, 1000, 0)
    assert (image.cells[32], image.cells[33], image.cells[63]) == (1000, 0, 500)
    assert len(image.cells) == len(image.picture()) == 64
    assert image.picture() == "████" + 28 * " " + "█" + 30 * " " + "▒"
    assert image.picture(ascii_only=True) == "####" + 28 * " " + "#" + 30 * " " + ":"


def test_the_picture_of_a_small_disk(tmp_path: Path) -> None:
    """With fewer grains than the picture has characters, each grain has several of them."""
    path = tmp_path / "disk.vmdk"
    path.write_bytes(stream({1: b"x"}, 4 * GRAIN))
    image = nfclease.inspect(path).image
    assert image is not None
    assert image.picture(ascii_only=True) == 16 * " " + 16 * "#" + 32 * " "


def test_the_command(tmp_path: Path) -> None:
    path = by_vmware(tmp_path / "disk.vmdk")
    done = run(path)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert "streamOptimized, version 3" in text
    assert "70.0 MiB" in text
    assert f"{len(grains())} grains of 64 KiB" in text
    assert "at the end, with a footer" in text
    assert "end-of-stream marker" in text
    assert "|█" in text or "|░" in text
    assert "createType" in text
    plain = run(path, PYTHONIOENCODING="ascii").stdout
    assert "|." in plain
    row = json.loads(run("--json", path).stdout)
    assert (row["type"], row["capacity"], row["grains"]) == ("disk", CAPACITY, len(grains()))
    assert row["descriptor"]["CID"] == "12345678"
    assert len(row["cells"]) == 64


def test_a_damaged_disk(tmp_path: Path) -> None:
    path = by_vmware(tmp_path / "disk.vmdk")
    data = bytearray(path.read_bytes())
    data[-1024 + 12] ^= 1
    path.write_bytes(data)
    with pytest.raises(nfclease.DiskFormatError, match="header and footer differ"):
        nfclease.inspect(path)
    assert run(path).returncode == 3
    os.truncate(path, 100 * 512)
    with pytest.raises(nfclease.DiskFormatError, match="not whole"):
        nfclease.inspect(path)


def test_a_package_has_no_image(exported: list[nfclease.TransferResult]) -> None:
    paths = [file.path for file in exported if file.path and file.path.endswith(".vmdk")]
    for path in paths:
        assert nfclease.inspect(path).image is not None
