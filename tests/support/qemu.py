"""Programs that judge disks, qemu-img above all. Without one its test is not run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

needs_qemu_img = pytest.mark.skipif(not shutil.which("qemu-img"), reason="not run: no qemu-img")
#: Seconds: more than any of them takes for a disk of a test.
TIMEOUT = 300


def program(*names: str) -> str:
    """The path of a program, by the first of its names that is there."""
    for name in names:
        if found := shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin"):
            return found
    pytest.skip(f"not run: no {names[0]}")


def qemu_img(*arguments: object) -> str:
    """What it prints."""
    command = [program("qemu-img"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stream_by_qemu(source: Path, path: Path, *, format: str = "raw") -> None:
    """Has qemu-img make a streamOptimized disk of another one."""
    qemu_img("convert", "-f", format, "-O", "vmdk", "-o", "subformat=streamOptimized", source, path)


def checked(path: Path, format: str = "qcow2") -> dict[str, Any]:
    """What ``check`` counts in an image, which must be without a flaw or a leak."""
    found: dict[str, Any] = json.loads(qemu_img("check", "--output", "json", "-f", format, path))
    assert not any(found.get(each) for each in ("leaks", "corruptions", "check-errors")), found
    return found


def same(one: Path, other: Path, *, formats: tuple[str, str]) -> None:
    """Fails unless both have the same bytes and the same size."""
    said = qemu_img("compare", "-f", formats[0], "-F", formats[1], one, other)
    # Zeros at the end of the longer one are no difference for it.
    assert "mismatch" not in said


def compared(disk: Path, other: Path, *, formats: tuple[str, str] = ("vmdk", "raw")) -> None:
    """Fails unless it is in order, and has the bytes of the other one.

    ``check`` alone takes disks that nobody can read.
    """
    checked(disk, formats[0])
    said = qemu_img("compare", "-f", formats[0], "-F", formats[1], disk, other)
    assert "identical" in said


def filled(disk: Path, places: Mapping[int, tuple[int, int]], form: str = "vmdk") -> None:
    """Fails unless it has, at each of these places, so many of this byte."""
    commands = [f"read -P {byte} {at} {size}" for at, (size, byte) in places.items()]
    asked = [part for command in commands for part in ("-c", command)]
    command = [program("qemu-io"), "-r", "-f", form, *asked, str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout, done.stdout
    assert done.stdout.count("read ") == len(commands)
