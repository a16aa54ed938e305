"""A script whose system has no thread or no memory left: run by `test_no_threads.py`."""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
import sys
from typing import Any

from pyVim.connect import SmartConnect
from pyVmomi import vim

from nfclease import AsyncHttpNfcLease, HttpNfcLease
from nfclease._pyvmomi import session

where = json.loads(sys.argv[1])
room = int(sys.argv[2])
context = ssl.create_default_context(cafile=where["ca_file"])
service = SmartConnect(
    host=where["host"],
    port=where["port"],
    user=where["user"],
    pwd=where["password"],
    sslContext=context,
)
view = service.content.viewManager.CreateContainerView(
    service.content.rootFolder, [vim.VirtualMachine], True
)
[vm] = [found for found in view.view if found.name == "demo-vm"]
session.session_of(service._stub)  # it reads certificates, and starts no thread


def limit(bytes_more: int) -> None:
    with open("/proc/self/statm") as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size + bytes_more, hard))


def free() -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


async def awaited(raw: Any) -> None:
    async with AsyncHttpNfcLease(raw) as lease:
        free()
        await lease.wait_ready(20)


raw = vm.ExportVm()
said = "it went"
try:
    if room:
        limit(room)
    if "asyncio" in sys.argv:
        asyncio.run(awaited(raw))
    else:
        with HttpNfcLease(raw) as lease:
            free()
            lease.wait_ready(20)
except OSError as error:
    free()
    said = f"OSError {error.errno}"
print(said, raw.state, flush=True)
