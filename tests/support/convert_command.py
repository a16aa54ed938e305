"""``nfclease convert`` as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from .waiting import wait_for


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


def interrupted(*arguments: object, target: Path, write: str) -> None:
    """Ctrl-C while the target is written, by this call of the system: nothing of it stays.

    Each write takes a second here.
    """
    target.parent.mkdir()
    part = target.with_name(f"{target.name}.part")
    trace = str(target.parent.with_name("trace"))
    strace = ["strace", "-D", "-f", "-qq", "-o", trace, "-e", f"trace={write}"]
    strace += ["-e", f"inject={write}:delay_enter=1000000", "-P", str(part)]
    process = run_convert(*arguments, target, under=strace)
    wait_for(part.exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert os.listdir(target.parent) == []
