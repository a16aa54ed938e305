"""Images as qemu-img reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

needs_qemu_img = pytest.mark.skipif(not shutil.which("qemu-img"), reason="not run: no qemu-img")


def checked(path: Path) -> dict[str, Any]:
    """What ``qemu-img check`` counts in a qcow2 image, which must be without a flaw or a leak."""
    done = subprocess.run(
        ["qemu-img", "check", "--output", "json", "-f", "qcow2", str(path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert not any(found.get(each) for each in ("leaks", "corruptions", "check-errors")), found
    return found


def same(one: Path, other: Path, *, formats: tuple[str, str]) -> None:
    """Fails unless both have the same bytes and the same size."""
    names = ["-f", formats[0], "-F", formats[1]]
    done = subprocess.run(
        ["qemu-img", "compare", *names, str(one), str(other)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Zeros at the end of the longer one are no difference for it.
    assert "mismatch" not in done.stdout + done.stderr
