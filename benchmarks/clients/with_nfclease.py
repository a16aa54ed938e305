"""nfclease as a script uses it: one lease, one call per disk.

The lease is the simulator's, its disks are those of the neutral server. It is opened before the
clock starts, and completed after it has stopped.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from nfclease import HttpNfcLease, TransferResult

from .common import Result, Trust, main


class Client:
    """A lease, each disk of which is used once."""

    lease: HttpNfcLease

    def __init__(self) -> None:
        """Has no lease yet."""
        self._lock = threading.Lock()
        self._disks: list[Any] = []

    @contextmanager
    def opened(self, trust: Trust) -> Iterator[None]:
        """Logs in and holds a lease for the block."""
        at = json.loads(Path(trust.vcenter).read_text())
        context = ssl.create_default_context(cafile=at["ca_file"])
        service = SmartConnect(
            host=at["host"],
            port=at["port"],
            user=at["user"],
            pwd=at["password"],
            sslContext=context,
        )
        views: Any = service.content.viewManager
        view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
        [vm] = [vm for vm in view.view if vm.name == "demo-vm"]
        with HttpNfcLease(vm.ExportVm(), require_uploads=False) as self.lease:
            self._disks = [url for url in self.lease.wait_ready().deviceUrl if url.disk]
            yield
        Disconnect(service)

    def get(self, url: str, path: str, trust: Trust) -> Result:
        """Downloads one disk."""
        return _said(self.lease.download(self._disk(url, trust), path, overwrite=True))

    def put(self, url: str, path: str, trust: Trust) -> Result:
        """Uploads one disk."""
        return _said(self.lease.upload(self._disk(url, trust), path))

    def _disk(self, url: str, trust: Trust) -> Any:
        with self._lock:
            disk = self._disks.pop()
        disk.url, disk.sslThumbprint, disk.fileSize = url, trust.thumbprint, None
        return disk


def _said(result: TransferResult) -> Result:
    return Result(result.bytes, result.checksum)


if __name__ == "__main__":
    client = Client()
    main(client.get, client.put, client.opened)
