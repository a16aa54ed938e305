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
from nfclease._backends.blocking import BLOCKING, run
from nfclease._operations import downloads

from .common import Asked, Result, main


class Client:
    """A lease, each disk of which is used once."""

    lease: HttpNfcLease

    def __init__(self) -> None:
        """Has no lease yet."""
        self._lock = threading.Lock()
        self._disks: list[Any] = []

    @contextmanager
    def opened(self, asked: Asked) -> Iterator[None]:
        """Logs in and holds a lease for the block."""
        at = json.loads(Path(asked.vcenter).read_text())
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

    def get(self, url: str, path: str, asked: Asked) -> Result:
        """Downloads one disk."""
        disk = self._disk(url, asked)
        if asked.sha256:
            return _said(self._download_with_both(disk, path))
        return _said(self.lease.download(disk, path, overwrite=True))

    def put(self, url: str, path: str, asked: Asked) -> Result:
        """Uploads one disk."""
        return _said(self.lease.upload(self._disk(url, asked), path))

    def _download_with_both(self, disk: Any, path: str) -> TransferResult:
        """As ``export_vm`` downloads for its manifest file: no public call has one disk so."""
        shared = self.lease._nfc_shared
        started = downloads.download(
            shared, BLOCKING, disk, path, True, None, file_checksum_type="sha256"
        )
        return run(started, "download")

    def _disk(self, url: str, asked: Asked) -> Any:
        with self._lock:
            disk = self._disks.pop()
        disk.url, disk.sslThumbprint, disk.fileSize = url, asked.thumbprint, None
        return disk


def _said(result: TransferResult) -> Result:
    return Result(result.bytes, result.checksum, result.file_checksum or "")


if __name__ == "__main__":
    client = Client()
    main(client.get, client.put, client.opened)
