"""Starts and calls the peers: ``Vcsim`` serves for one ``with`` block, ``govc`` runs a command."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from .build import build

STOP_TIMEOUT = 10.0


class Vcsim:
    """A vCenter, or a single ESX host, on a free port of the loopback.

    Each of its machines has a disk whose file is a valid streamOptimized VMDK; a lease of
    ``ExportSnapshot`` serves it. (``ExportVm`` is not in the simulator.)
    """

    url: str
    host: str
    port: int
    user: str
    password: str
    sha1: str | None
    sha256: str | None
    certificate: str | None

    def __init__(
        self, *, tls: bool = True, esx: bool = False, machines: int = 1, disk_size: int = 4 << 20
    ) -> None:
        """Remembers what to start; nothing runs before the block is entered."""
        self._command = [
            str(build() / "vcsim"),
            f"-tls={str(tls).lower()}",
            f"-esx={str(esx).lower()}",
            f"-vm={machines}",
            f"-disk-size={disk_size}",
        ]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Vcsim:
        """Starts the server and waits until it serves."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError("vcsim ended before it served")
        info: dict[str, Any] = json.loads(line)
        where = urlsplit(info["url"])
        assert where.hostname is not None
        assert where.port is not None
        self.url, self.host, self.port = info["url"], where.hostname, where.port
        self.user, self.password = info["user"], info["password"]
        self.sha1, self.sha256 = info.get("sha1"), info.get("sha256")
        self.certificate = info.get("certificate")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops the server, whatever happened in the block."""
        self.stop()

    def stop(self) -> None:
        """Ends the server; the second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=STOP_TIMEOUT)  # closes stdin, its sign to end
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """Trusts this server and no other; None without TLS."""
        return ssl.create_default_context(cadata=self.certificate) if self.certificate else None

    @contextmanager
    def connect(self) -> Iterator[vim.ServiceInstance]:
        """A logged-in pyvmomi session for one block."""
        service = SmartConnect(
            protocol=urlsplit(self.url).scheme,
            host=self.host,
            port=self.port,
            user=self.user,
            pwd=self.password,
            sslContext=self.ssl_context,
        )
        try:
            yield service
        finally:
            Disconnect(service)

    @property
    def govc_env(self) -> dict[str, str]:
        """What govc has to know to log in here."""
        return {
            "GOVC_URL": self.url,
            "GOVC_USERNAME": self.user,
            "GOVC_PASSWORD": self.password,
            "GOVC_INSECURE": "true",  # govc is the peer here, not what is tested
            "GOVC_PERSIST_SESSION": "false",
        }


def govc(
    *args: str, env: Mapping[str, str], timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Runs one command with ``env`` in place of every GOVC variable of the caller."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GOVC_")}
    return subprocess.run(
        [str(build() / "govc"), *args],
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
