"""A real HTTP proxy that tunnels with CONNECT, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30.0
END_SECONDS = 5.0
#: Runs a command until standard input ends, then ends all that the command has started: they are
#: one process group. So the proxy's workers end with the tests, also with tests that are killed.
_KEEPER = f"""
import os, signal, subprocess, sys, threading, time

def end():
    command.wait()
    os.killpg(0, signal.SIGKILL)

command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=end, daemon=True).start()
sys.stdin.read()
command.terminate()
time.sleep({END_SECONDS})
os.killpg(0, signal.SIGKILL)
"""


class Proxy:
    """Where it listens, and what went through it."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def wait_for(self, targets: set[str]) -> set[str]:
        """``host:port`` of each tunnel; it is logged when it is closed, so they are waited for."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            seen = set(re.findall(r"CONNECT ([\w.\[\]:]+)", self._log.read_text()))
            if seen >= targets or time.monotonic() > deadline:
                return seen
            time.sleep(0.05)


@contextmanager
def running_proxy(folder: Path, *, credentials: str | None = None) -> Iterator[Proxy]:
    """Serves for one block; with credentials it wants ``Proxy-Authorization``."""
    log, port_file = folder / "proxy.log", folder / "proxy.port"
    log.touch()
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0"]
    command += ["--num-workers", "1", "--num-acceptors", "1", "--log-level", "i"]
    command += ["--data-dir", str(folder), "--cache-dir", str(folder)]
    command += ["--port-file", str(port_file), "--log-file", str(log)]
    command += ["--basic-auth", credentials] if credentials else []
    with (folder / "proxy.out").open("wb") as out:
        keeper = subprocess.Popen(
            [sys.executable, "-c", _KEEPER, *command],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            yield Proxy(_port(keeper, port_file), log)
        finally:
            _end(keeper)


def _end(keeper: subprocess.Popen[bytes]) -> None:
    assert keeper.stdin is not None
    keeper.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        keeper.wait(2 * END_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(keeper.pid, signal.SIGKILL)
    keeper.wait()


def _port(process: subprocess.Popen[bytes], port_file: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = port_file.read_text() if port_file.exists() else ""
        if text.strip():
            return int(text.split()[0])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("the proxy did not start")
