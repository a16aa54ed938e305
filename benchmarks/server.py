"""The neutral server, seen from the harness: where it is, what it must send, what it received."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STOP_TIMEOUT = 10.0


@dataclass
class Server:
    """A running benchserver."""

    url: str
    thumbprint: str
    certificate: Path
    chunked: bool
    _context: ssl.SSLContext
    _sums: dict[tuple[int, int], str] = field(default_factory=dict)

    def disk_url(self, number: int, size: int) -> str:
        """Where a disk is."""
        return f"{self.url}/disk/{number}?size={size}" + ("&chunked=1" if self.chunked else "")

    def disk_sha1(self, number: int, size: int) -> str:
        """What its digest must be."""
        if (number, size) not in self._sums:
            self._sums[number, size] = self._read(f"/sha1/{number}?size={size}").strip()
        return self._sums[number, size]

    def upload_url(self, number: int) -> str:
        """Where to send an upload; a number is used once."""
        return f"{self.url}/up/{number}"

    def upload_sha1(self, number: int) -> str:
        """The digest of what came there."""
        return self._read(f"/up/{number}").strip()

    def cpu_seconds(self) -> float:
        """What the server has cost so far."""
        stats: dict[str, Any] = json.loads(self._read("/stats"))
        return float(stats["cpu_user"] + stats["cpu_sys"])

    def _read(self, path: str) -> str:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)
        )
        with opener.open(self.url + path) as response:
            body: bytes = response.read()
            return body.decode()


def build_peers() -> Path:
    """Builds the Go programs where needed and returns their folder."""
    script = ROOT / "tests" / "peers" / "build.py"
    run = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(run.returncode)  # it has said why
    return Path(run.stdout.strip())


@contextmanager
def serve(programs: Path, folder: Path, *, chunked: bool) -> Iterator[Server]:
    """Runs the server for one block; its certificate is put into ``folder``."""
    process = subprocess.Popen(
        [programs / "benchserver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        info: dict[str, str] = json.loads(process.stdout.readline())
        certificate = folder / "server.pem"
        certificate.write_text(info["certificate"])
        context = ssl.create_default_context(cadata=info["certificate"])
        yield Server(info["url"], info["sha1"], certificate, chunked, context)
    finally:
        try:
            process.communicate(timeout=STOP_TIMEOUT)  # closes stdin, its sign to end
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
