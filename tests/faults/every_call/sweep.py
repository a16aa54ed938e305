"""A job's calls, each of which fails once: by several processes, and what they say together."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .calls import FROM_THEN_ON, ONCE, SHORT, Fault

ROOT = Path(__file__).parents[3]
#: Seconds that the processes of one job may take on a busy machine.
DEADLINE = 900

FILES = (
    Fault("open", errno.EMFILE),
    Fault("read", errno.EIO),
    Fault("write", errno.EIO),
    Fault("write", errno.ENOSPC, FROM_THEN_ON),
    Fault("sync", errno.EIO),
    Fault("rename", errno.EIO),
    Fault("unlink", errno.EIO),
    Fault("truncate", errno.EIO),
    Fault("allocate", errno.ENOSPC),
    Fault("mkdir", errno.ENOSPC),
    Fault("lock", errno.ENOLCK),
    Fault("stat", errno.EIO),
)
SOCKETS = (
    Fault("socket", errno.EMFILE),
    Fault("connect", errno.ECONNREFUSED),
    Fault("receive", errno.ECONNRESET),
    Fault("send", errno.EPIPE),
)
_INTERRUPTED = ("open", "read", "write", "sync", "truncate", "allocate", "lock")
_MOVING = ("read", "write", "receive", "send")
#: What no job may fail of.
HARMLESS = (
    *(Fault(kind, errno.EINTR, ONCE) for kind in (*_INTERRUPTED, "connect", "receive", "send")),
    *(Fault(kind, 0, SHORT) for kind in _MOVING),
)
CALLS = (
    Fault("call", 0, "soap_fault"),
    Fault("call", 0, "drop"),
    Fault("call", 0, "drop", after=True),
)


def swept(
    job: str,
    face: str,
    faults: Sequence[Fault],
    *,
    processes: int = 1,
    only: Sequence[int] | None = None,
) -> tuple[list[str], list[str]]:
    """What was reached, a line for each fault, and what did not hold.

    Args:
        job: One of ``jobs.JOBS``.
        face: ``blocking`` or ``asyncio``.
        faults: Those that each call of their kind gets.
        processes: How many share the calls.
        only: The numbers of the calls; all when None.
    """
    asked = {"job": job, "face": face, "faults": faults, "parts": processes, "only": only}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", json.dumps({**asked, "part": part})],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in range(processes)
    ]
    said, broken = [], []
    for process in started:
        try:
            out, problems = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, problems = process.communicate()
        said.append([json.loads(line) for line in out.splitlines()])
        if process.returncode:
            broken.append(f"I7: a process ended with {process.returncode}: {problems[-1500:]}")
    told = [_together(job, face, parts, only) for parts in _columns(said)]
    return [line for line, _ in told], [*broken, *(text for _, texts in told for text in texts)]


def _columns(said: list[list[Any]]) -> list[tuple[Any, ...]]:
    """What all processes say of each fault; one that broke says less, and is told."""
    return [tuple(lines[at] for lines in said) for at in range(min(map(len, said)))]


def _together(
    job: str, face: str, parts: tuple[dict[str, Any], ...], only: Sequence[int] | None
) -> tuple[str, list[str]]:
    """One fault's line, and what did not hold; a call that was never reached is told."""
    reached = {k for part in parts for k in part["reached"]}
    least = min(part["count"] for part in parts)
    expected = set(only or range(1, least + 1))
    missed = sorted(expected - reached)
    violations = [text for part in parts for text in part["violations"]]
    if missed:
        violations.append(f"{parts[0]['fault']}: calls {missed} got no fault")
    survived = sum(part["survived"] for part in parts)
    line = f"{job}, {face}: {parts[0]['fault']}: k: {len(reached)} of {len(expected | reached)}"
    return f"{line}, {survived} survived", violations
