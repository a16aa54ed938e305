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

from nfclease.simulator import Simulator

ROOT = Path(__file__).resolve().parent.parent
STOP_TIMEOUT = 10.0


@dataclass
class Server:
    """A running benchserver."""

    url: str
    thumbprint: str
    certificate: Path
    vcenter: Path
    chunked: bool
    _context: ssl.SSLContext
    _sums: dict[tuple[int, int], str] = field(default_factory=dict)

    def disk_url(self, number: int, size: int) -> str:
        """Where a disk is."""
        chunked = "&chunked=1" if self.chunked else ""
        return f"{self.url}/disk/{number}?size={size}&shape=vmdk{chunked}"

    def disk_sha1(self, number: int, size: int) -> str:
        """What its digest must be."""
        if (number, size) not in self._sums:
            self._sums[number, size] = self._read(f"/sha1/{number}?size={size}&shape=vmdk").strip()
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
def serve(programs: Path, folder: Path, *, chunked: bool, largest: int) -> Iterator[Server]:
    """Runs the server for one block; its certificate is put into ``folder``.

    Beside it a simulator lends leases whose disks have room for ``largest`` bytes each.
    """
    with Simulator(disks=4, disk_size=2 * largest) as simulator:
        # The bytes are not its own, so it can say nothing of them.
        simulator.inject("no_manifest")
        vcenter = folder / "vcenter.json"
        names = ("host", "port", "user", "password", "ca_file")
        vcenter.write_text(json.dumps({name: str(getattr(simulator, name)) for name in names}))
        yield from _serve(programs, folder, vcenter, chunked)


def _serve(programs: Path, folder: Path, vcenter: Path, chunked: bool) -> Iterator[Server]:
    process = subprocess.Popen(
        [programs / "benchserver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        info: dict[str, str] = json.loads(process.stdout.readline())
        certificate = folder / "server.pem"
        certificate.write_text(info["certificate"])
        context = ssl.create_default_context(cadata=info["certificate"])
        yield Server(info["url"], info["sha1"], certificate, vcenter, chunked, context)
    finally:
        try:
            process.communicate(timeout=STOP_TIMEOUT)  # closes stdin, its sign to end
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
