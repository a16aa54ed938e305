"""What `image.convert` and `nfclease convert` are asked for, and what they refuse."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from nfclease import image

from ..support.convert_command import interrupted, run_convert
from ..support.disks import GRAIN, stream
from ..support.failing_calls import traced
from ..support.qemu import checked, needs_qemu_img, same

MIB = 1 << 20
TEXT = (b"text that is compressed well " * GRAIN)[:GRAIN]


def made(folder: Path, data: dict[int, bytes], capacity: int) -> Path:
    path = folder / "disk.vmdk"
    path.write_bytes(stream(data, capacity))
    return path


@pytest.mark.parametrize(
    ("name", "options", "error", "said"),
    [
        ("disk.vhd", {}, ValueError, r"ends in none of \.raw, \.img, \.qcow2"),
        ("disk", {}, ValueError, "to="),
        ("disk.qcow2", {"to": "vhd"}, ValueError, "to must be one of raw, qcow2, vmdk"),
        ("disk.qcow2", {"qcow2_compression": "zstd"}, ValueError, "qcow2_compression must be"),
        ("disk.raw", {"qcow2_compression": "deflate"}, ValueError, "is for qcow2, not for raw"),
        ("disk.qcow2", {"grains": 1}, TypeError, "grains must be"),
    ],
)
def test_wrong_arguments(
    tmp_path: Path, name: str, options: Any, error: type[Exception], said: str
) -> None:
    source = made(tmp_path, {}, MIB)
    with pytest.raises(error, match=said):
        image.convert(source, tmp_path / name, **options)
    assert os.listdir(tmp_path) == ["disk.vmdk"]


@pytest.mark.parametrize(
    ("name", "options", "format"),
    [
        ("a.img", {}, "raw"),
        ("a.RAW", {}, "raw"),
        ("a.qcow2", {}, "qcow2"),
        ("a.raw", {"to": "qcow2"}, "qcow2"),
        ("a.qcow2", {"to": "raw"}, "raw"),
        ("a", {"to": "qcow2"}, "qcow2"),
    ],
)
def test_the_format_goes_by_the_suffix(
    tmp_path: Path, name: str, options: Any, format: str
) -> None:
    source = made(tmp_path, {0: TEXT}, MIB)
    result = image.convert(source, tmp_path / name, **options)
    assert result.format == format
    start = (tmp_path / name).read_bytes()[:4]
    assert (start == b"QFI\xfb") == (format == "qcow2")


@needs_qemu_img
def test_the_command(tmp_path: Path) -> None:
    source = made(tmp_path, dict.fromkeys(range(0, 50, 3), TEXT), 50 * GRAIN)
    target = tmp_path / "disk.qcow2"
    done = run_convert("--json", "--qcow2-compression", "transplant", "--grains", source, target)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["format"], row["capacity"]) == ("qcow2", 50 * GRAIN)
    assert checked(target)["compressed-clusters"] > 0
    done = run_convert(source, tmp_path / "disk.vhd")
    assert done.returncode == 1, done.stderr
    assert ".qcow2" in done.stderr
    assert "say with --to what it shall be" in done.stderr
    done = run_convert("--vmdk-compression", "zlib", source, tmp_path / "disk.raw")
    assert "--vmdk-compression is for --to vmdk, not for 'raw'" in done.stderr
    done = run_convert("--qcow2-compression", "none", source, tmp_path / "disk.raw")
    assert "--qcow2-compression is for qcow2, not for raw" in done.stderr
    done = run_convert("--to", "qcow2", source, tmp_path / "other")
    assert done.returncode == 0, done.stderr
    same(tmp_path / "other", source, formats=("qcow2", "vmdk"))


@traced
def test_ctrl_c(tmp_path: Path) -> None:
    source = made(tmp_path, dict.fromkeys(range(4), TEXT), 100 * GRAIN)
    target = tmp_path / "out" / "disk.qcow2"
    interrupted("--threads", 1, source, target=target, write="pwrite64")
