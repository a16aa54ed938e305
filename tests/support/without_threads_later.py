"""A script whose system has no thread left once its lease is ready: run by `test_no_threads.py`."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from pyVim.connect import SmartConnect

from nfclease import AsyncHttpNfcLease, HttpNfcLease

where, host, face, directory = json.loads(sys.argv[1]), *sys.argv[2:]
service = SmartConnect(
    host=host,
    port=where["port"],
    user=where["user"],
    pwd=where["password"],
    sslContext=ssl.create_default_context(cafile=where["ca_file"]),
)
vm = service.content.searchIndex.FindByInventoryPath("DC0/vm/demo-vm")


def shared() -> set[str]:
    """The threads that wait for more work, by the first 15 letters of their names."""
    names = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    return names & {"nfclease-resolv", "nfclease-aside", "nfclease-asynci"}


def until_none_is_left() -> None:
    """The test that reads this takes the threads away, and says so."""
    while shared():
        time.sleep(0.05)
    print(os.getpid(), flush=True)
    sys.stdin.readline()


async def awaited(raw: Any) -> None:
    async with AsyncHttpNfcLease(raw) as lease:
        info = await lease.wait_ready(20)
        until_none_is_left()
        for number, url in enumerate(info.deviceUrl):
            await lease.start_download(url, f"{directory}/{number}")


def blocked(raw: Any) -> None:
    with HttpNfcLease(raw) as lease:
        info = lease.wait_ready(20)
        until_none_is_left()
        for number, url in enumerate(info.deviceUrl):
            lease.start_download(url, f"{directory}/{number}").result()


raw = vm.ExportVm()
said = "it went"
try:
    if face == "asyncio":
        asyncio.run(awaited(raw))
    else:
        blocked(raw)
except OSError as error:
    said = f"OSError {getattr(error, 'lease_outcome', None)}"
print(said, flush=True)
