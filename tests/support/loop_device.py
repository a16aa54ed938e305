"""A block device that is a file below, where this user may have one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def loop_device(file: Path) -> Iterator[Path]:
    """The device of this file, which goes again."""
    if not shutil.which("losetup"):
        pytest.skip("not run: no losetup")
    made = subprocess.run(
        ["losetup", "--find", "--show", str(file)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"not run: no loop device can be had: {made.stderr.strip()}")
    device = Path(made.stdout.strip())
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", str(device)], check=True)
