"""A system that has no thread or no memory left: an OSError, and the lease is given back."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.leases import endings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="not run: Linux only")
SCRIPT = Path(__file__).parents[1] / "support" / "without_threads.py"
LATER = SCRIPT.with_name("without_threads_later.py")
NAMES = ("ca_file", "host", "port", "user", "password")
STRACE = ["strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=?clone,?clone3"]


def run(simulator: Simulator, room: int, *arguments: str, prefix: list[str]) -> str:
    """What the script says at its end; it has to say something."""
    where = json.dumps({name: str(getattr(simulator, name)) for name in NAMES})
    command = [*prefix, sys.executable, str(SCRIPT), where, str(room), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Panic" not in done.stderr
    [line] = done.stdout.splitlines()
    return line


def strace(count: int) -> list[str]:
    """No thread for the process's main thread from its `count`-th on, as at a limit of pids."""
    try:
        subprocess.run([*STRACE, "true"], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("not run: no strace, or it may not trace")
    return [*STRACE, "-e", f"inject=?clone,?clone3:error=EAGAIN:when={count}+"]


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
@pytest.mark.parametrize("count", range(1, 8))
def test_no_thread_left(simulator: Simulator, count: int, face: str) -> None:
    """The engine checks its threads before it starts them, and that each has started."""
    came = run(simulator, 0, face, prefix=strace(count))
    assert came == f"OSError {errno.EAGAIN} error"
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


# The stacks of the engine just fit, or with them what is to be left: there the heap could end.
STACKS = (min(len(os.sched_getaffinity(0)), 8) + 2) << 21 if sys.platform == "linux" else 0
EDGES = [STACKS, STACKS + (40 << 20)]
ROOMS = [1 << 20, 3 << 20, 5 << 20, *(edge + (step << 17) for edge in EDGES for step in range(10))]


@pytest.mark.parametrize("room", ROOMS)
def test_no_memory_left(simulator: Simulator, room: int) -> None:
    """Address space for none of the stacks, or for some of them."""
    came = run(simulator, room, prefix=[])
    assert came in (f"OSError {errno.EAGAIN} error", "it went done")
    [ending] = endings(simulator)
    assert ending == ("HttpNfcLeaseComplete" if came == "it went done" else "HttpNfcLeaseAbort")


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_thread_left_later(simulator: Simulator, tmp_path: Path, host: str, face: str) -> None:
    """Fsyncs and wake-ups find another way. The look-up of a name is an error, not a panic."""
    strace(1)
    where = json.dumps({name: str(getattr(simulator, name)) for name in NAMES})
    command = [sys.executable, str(LATER), where, host, face, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as script:
        assert script.stdout
        pid = script.stdout.readline().strip()
        attach = [*STRACE, "-e", "inject=?clone,?clone3:error=EAGAIN", "-p", pid]
        attach.remove("-q")
        with subprocess.Popen(attach, text=True, stderr=pipe) as tracer:
            assert tracer.stderr
            assert "attached" in tracer.stderr.readline()
            out, errors = script.communicate("\n", timeout=120)
            tracer.terminate()
    assert "panic" not in errors.lower()
    assert script.returncode == 0, errors[-2000:]
    if host == "localhost":
        assert out == "OSError abort_failed\n"
        assert endings(simulator) == []
    else:
        assert out == "it went\n"
        assert endings(simulator) == ["HttpNfcLeaseComplete"]
