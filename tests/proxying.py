"""A real HTTP proxy that tunnels with CONNECT, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30.0


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
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            yield Proxy(_port(process, port_file), log)
        finally:
            process.terminate()
            process.wait(10)


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
