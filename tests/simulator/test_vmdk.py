from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nfclease.simulator.inventory.vmdk import GRAIN, StreamOptimizedDisk, header_capacity

from .support.streamwalk import walk

SIZES = [0, 1 << 20, (20 << 20) + 12345, 64 << 20]


@pytest.mark.parametrize("size", SIZES)
def test_stream_is_whole(size: int) -> None:
    disk = StreamOptimizedDisk(size, seed=3)
    data = b"".join(disk.chunks(content_id=0xCAFE))
    assert len(data) == disk.stream_size
    assert size == 0 or abs(len(data) - size) < 256 << 10
    seen = walk(data)
    assert seen["capacity"] == disk.capacity == header_capacity(data)
    assert seen["grains"] * GRAIN == disk.populated_size


def test_content_id_changes_bytes_but_not_size() -> None:
    disk = StreamOptimizedDisk(1 << 20, seed=3)
    first, again, second = (b"".join(disk.chunks(number)) for number in (1, 1, 2))
    assert first == again
    assert first != second
    assert len(first) == len(second)


def test_pieces_are_large_whatever_the_grains() -> None:
    sizes = [len(piece) for piece in StreamOptimizedDisk(8 << 20).chunks(chunk_size=512 << 10)]
    assert min(sizes[:-1]) >= 512 << 10
    assert max(sizes) < 700 << 10


def test_capacity_of_what_is_no_vmdk() -> None:
    assert header_capacity(b"\x7fELF" + bytes(100)) is None
    assert header_capacity(b"KDMV") is None


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img (apt: qemu-utils)")
@pytest.mark.parametrize("size", SIZES[:3])
def test_qemu_reads_it(tmp_path: Path, size: int) -> None:
    disk, path, raw = StreamOptimizedDisk(size, seed=5), tmp_path / "disk.vmdk", tmp_path / "raw"
    path.write_bytes(b"".join(disk.chunks()))
    for command in (
        ["check", path],
        ["convert", "-O", "raw", path, raw],
        ["compare", path, raw],
    ):
        subprocess.run(["qemu-img", *map(str, command)], check=True, capture_output=True)
    assert raw.stat().st_size == disk.capacity
