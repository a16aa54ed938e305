"""A script in a process whose system calls fail as they are told, by strace; Linux only."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nfclease.simulator import Simulator

SCRIPT = Path(__file__).with_name("export_failing.py")


def can_trace() -> bool:
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False).returncode == 0


def mounting(where: Path, options: str) -> list[str]:
    """What starts a process that sees a tmpfs there, as nobody else does."""
    script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
    return [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        options,
        str(where),
    ]


def can_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    tried = [*mounting(Path("/tmp"), "size=1m"), "true"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


traced = pytest.mark.skipif(not can_trace(), reason="not run: no strace, or it may not trace")
mounted = pytest.mark.skipif(not can_mount(), reason="not run: no user may mount anything here")


class Ended(NamedTuple):
    """What the script and its log said."""

    said: dict[str, Any]
    log: str


def trace_of(target: Path) -> Path:
    """Where the calls of a run to this target are listed."""
    return target.parent.parent / "trace"


def run_failing(
    what: str,
    simulator: Simulator,
    target: Path,
    *faults: str,
    how: str = "new",
    only: Path | None = None,
) -> Ended:
    """Exports a "disk", "image" or "package" in a process with these faults, at `only` this path.

    A fault that is a call's bare name lets the call be, and leaves it in the trace.
    """
    calls = ",".join(sorted({fault.partition(":")[0] for fault in faults}))
    strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        str(trace_of(target)),
        "-e",
        f"trace={calls}",
    ]
    strace += [part for fault in faults if ":" in fault for part in ("-e", f"inject={fault}")]
    strace += ["-P", str(only)] if only else []
    return run_under(strace, what, simulator, target, how)


def run_under(
    command: Sequence[str], what: str, simulator: Simulator, target: Path, how: str = "new"
) -> Ended:
    """The same in a process that this command starts, such as one that limits it."""
    names = ("host", "port", "user", "password", "ca_file")
    arguments = [str(getattr(simulator, name)) for name in names]
    done = subprocess.run(
        [*command, sys.executable, str(SCRIPT), what, *arguments, str(target), how],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Ended(json.loads(done.stdout), done.stderr)
