"""qemu-img as a judge of disks, and ``nfclease convert`` as a process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import pytest


def qemu_img(*arguments: object) -> str:
    """What it prints. The test is not run where there is none."""
    if not shutil.which("qemu-img"):
        pytest.skip("not run: no qemu-img")
    command = ["qemu-img", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def checked_by_qemu(vmdk: Path, other: Path, format: str = "raw") -> None:
    """`check` alone takes disks that nobody can read, so it compares them, too."""
    qemu_img("check", "-f", "vmdk", vmdk)
    said = qemu_img("compare", "-f", "vmdk", "-F", format, vmdk, other)
    assert "identical" in said


@overload
def run_convert(*arguments: object) -> subprocess.CompletedProcess[str]: ...
@overload
def run_convert(*arguments: object, under: Sequence[str]) -> subprocess.Popen[bytes]: ...
def run_convert(
    *arguments: object, under: Sequence[str] | None = None
) -> subprocess.CompletedProcess[str] | subprocess.Popen[bytes]:
    """Runs the command to its end, or starts it as the child of another one."""
    command = [sys.executable, "-m", "nfclease", "convert", *map(str, arguments)]
    if under is not None:
        return subprocess.Popen([*under, *command])
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
