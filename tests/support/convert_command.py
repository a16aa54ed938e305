"""``nfclease convert`` as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import overload


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
