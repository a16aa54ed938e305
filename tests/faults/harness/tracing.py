"""System calls of this process that fail, for the length of a block; Linux only."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...support.failing_calls import can_trace


def needs_tracing() -> str:
    """Why this process cannot be traced; empty where it can."""
    if not can_trace():
        return "no strace, or it may not trace"
    return "" if _may_attach() else "strace may not attach to a process that runs"


def _may_attach() -> bool:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return not scope.exists() or scope.read_text().strip() == "0" or os.geteuid() == 0


@contextmanager
def calls_fail(*faults: str, only: Path | Sequence[Path] = ()) -> Iterator[None]:
    """Lets calls of all threads fail as ``strace -e inject=`` says, at ``only`` these paths.

    Args:
        *faults: Such as ``fsync:error=EIO``.
        only: A path or several; any when empty.

    Raises:
        RuntimeError: strace did not attach.
    """
    calls = ",".join(sorted({fault.partition(":")[0] for fault in faults}))
    command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}"]
    command += [part for fault in faults for part in ("-e", f"inject={fault}")]
    for path in [only] if isinstance(only, Path) else only:
        command += ["-P", str(path)]
    with attached(command):
        yield


@contextmanager
def attached(command: list[str]) -> Iterator[None]:
    """This strace, attached to this process for the length of a block.

    Raises:
        RuntimeError: It did not attach.
    """
    tracer = subprocess.Popen([*command, "-p", str(os.getpid())], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        while "attached" not in (line := tracer.stderr.readline()):
            if not line:
                raise RuntimeError("strace did not attach")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
        tracer.stderr.close()
