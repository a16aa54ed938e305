"""The process that is watched: leases of both faces, one after the other, until its input ends.

    python -m tests.faults.soak.leases VCENTER FOLDER LEASES

It prints a line of JSON when it is warm, and one at the end.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect, SmartConnect

from nfclease import AsyncHttpNfcLease, HttpNfcLease, InternalError, NfcError
from nfclease.inventory import find

from ..harness import invariants

OPTIONS: dict[str, Any] = {
    "keep_alive_interval": 1.0,
    "timeout": 5.0,
    "retry_timeout": 20.0,
    "max_concurrency": 3,
}


class Leases:
    """Exports one VM in each of many threads or tasks, over and over.

    Args:
        at: Where the vCenter is, and who logs in.
        folder: For the disks.
        count: How many leases at once, one VM each.
    """

    def __init__(self, at: dict[str, str], folder: Path, count: int) -> None:
        context = ssl.create_default_context(cafile=at.pop("ca_file"))
        self.service: Any = SmartConnect(**at, sslContext=context)
        self._vms = [find(self.service, f"soak-{number}") for number in range(1, count + 1)]
        self._folder = folder
        self.ends: Counter[str] = Counter()
        #: What may not come out.
        self.strange: list[str] = []
        self._stop = threading.Event()

    def run(self, until: Any) -> None:
        """Runs them all until the last one has ended after ``until()`` has returned."""
        half = len(self._vms) // 2
        threads = [threading.Thread(target=self._blocking, args=[vm]) for vm in self._vms[:half]]
        threads.append(threading.Thread(target=lambda: asyncio.run(self._tasks(half))))
        self._stop.clear()
        for thread in threads:
            thread.start()
        until()
        self._stop.set()
        for thread in threads:
            thread.join()
        # How many of these pyvmomi keeps is chance: as many as were in use at once.
        self.service._stub.DropConnections()

    def _blocking(self, vm: Any) -> None:
        while True:
            folder = self._folder / vm._moId
            folder.mkdir()
            try:
                with HttpNfcLease(vm.ExportVm(), **OPTIONS) as lease:
                    lease.wait_ready(30)
                    self._count(lease.download_all(folder))
            except Exception as error:
                self._failed(error)
            self._end(folder)
            if self._stop.is_set():
                return

    async def _tasks(self, first: int) -> None:
        await asyncio.gather(*map(self._task, self._vms[first:]))

    async def _task(self, vm: Any) -> None:
        while True:
            folder = self._folder / vm._moId
            folder.mkdir()
            try:
                made = await asyncio.to_thread(vm.ExportVm)
                async with AsyncHttpNfcLease(made, **OPTIONS) as lease:
                    await lease.wait_ready(30)
                    self._count(await lease.download_all(folder))
            except Exception as error:
                self._failed(error)
            self._end(folder)
            if self._stop.is_set():
                return

    def _count(self, results: list[Any]) -> None:
        verified = {result.verified for result in results}
        self.ends["verified" if verified == {"manifest"} else f"verified by {verified}"] += 1

    def _failed(self, error: Exception) -> None:
        self.ends[type(error).__name__] += 1
        if not isinstance(error, NfcError) or isinstance(error, InternalError):
            self.strange.append(repr(error)[:500])

    def _end(self, folder: Path) -> None:
        """Its folder has no half file."""
        self.strange += invariants.partial_files(invariants.tree_of(folder))
        shutil.rmtree(folder)


def main() -> None:
    """Runs the command line."""
    vcenter, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    leases = Leases(json.loads(vcenter.read_text()), folder, count)
    start = invariants.reset_peak()
    leases.run(lambda: None)  # each once, without a fault: what a process starts once is there
    warm = invariants.settled()
    print(json.dumps({"rss": start, "ends": leases.ends}), flush=True)
    leases.ends.clear()
    leases.run(sys.stdin.read)
    left = invariants.resources_back(warm)
    print(json.dumps({"ends": leases.ends, "strange": leases.strange + left}), flush=True)
    Disconnect(leases.service)


if __name__ == "__main__":
    main()
