"""A script that ends in an export. Arguments: how, host, port, user, password, CA, moId, file."""

from __future__ import annotations

import atexit
import contextlib
import ssl
import sys
import threading
import time

WAITING: list[threading.Thread] = []


def join() -> None:
    """Waits for the export's thread, after everything that nfclease does at the exit."""
    for thread in WAITING:
        thread.join()


how, host, port, user, password, ca_file, moid, target = sys.argv[1:]
if how == "joined":
    atexit.register(join)

from pyVim.connect import SmartConnect  # noqa: E402  # what is registered first is run last
from pyVmomi import vim  # noqa: E402

from nfclease import HttpNfcLease, Transfer, TransferCancelledError  # noqa: E402


def wait(lease: HttpNfcLease, transfer: Transfer) -> None:
    """What the thread does."""
    with contextlib.suppress(TransferCancelledError), lease:
        transfer.result()


context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
lease = HttpNfcLease(vim.HttpNfcLease(moid, service._stub))
disk = next(url for url in lease.wait_ready(10).deviceUrl if url.disk)
transfer = lease.start_download(disk, target)
while not transfer.progress.bytes_done:
    pass
if how != "alone":
    WAITING.append(threading.Thread(target=wait, args=(lease, transfer), daemon=True))
    WAITING[0].start()
    time.sleep(0.2)
