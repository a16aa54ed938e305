"""One process with leases: exports VMs at once, and says how long that took and what it held.

    python -m benchmarks.clients.leases VCENTER FOLDER NAME ... [--streams N] [--disks N]

Memory is over that of Python with pyVmomi. JSON on standard output.
"""

from __future__ import annotations

import argparse
import json
import resource
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _vms(service: Any, names: list[str]) -> list[Any]:
    search: Any = service.content.searchIndex
    return [search.FindByInventoryPath(f"DC0/vm/{name}") for name in names]


def _export(vm: Any, folder: Path, streams: int, disks: int) -> tuple[float, float]:
    """Seconds of its downloads alone: of all, and of the one that ended first."""
    from nfclease import HttpNfcLease

    options: dict[str, Any] = {"max_concurrency": streams, "keep_alive_interval": 1}
    with HttpNfcLease(vm.ExportVm(), **options) as lease:
        info = lease.wait_ready()
        begin = time.perf_counter()
        if disks:
            urls = [url for url in info.deviceUrl if url.disk][:disks]
            started = [lease.start_download(url, folder / url.targetId) for url in urls]
            results = [transfer.result() for transfer in started]
        else:
            results = lease.download_all(folder)
        seconds = time.perf_counter() - begin
    assert all(result.verified == "manifest" for result in results)
    return seconds, min(result.seconds for result in results)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("vcenter", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--disks", type=int, default=0, help="so many of each; 0 for all files")
    args = parser.parse_args()
    at = json.loads(args.vcenter.read_text())
    context = ssl.create_default_context(cafile=at["ca_file"])
    where = {"host": at["host"], "port": at["port"], "user": at["user"], "pwd": at["password"]}
    before = _peak_kib()
    service = SmartConnect(**where, sslContext=context)
    vms = _vms(service, args.names)
    assert all(isinstance(vm, vim.VirtualMachine) for vm in vms)

    def one(vm: Any) -> tuple[float, float]:
        return _export(vm, args.folder / vm._moId, args.streams, args.disks)

    with ThreadPoolExecutor(len(vms)) as pool:
        times = list(pool.map(one, vms))
    seconds, first = (max(column) for column in zip(*times, strict=True))
    said = {"seconds": seconds, "first": first, "mib": (_peak_kib() - before) / 1024}
    Disconnect(service)
    print(json.dumps(said))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
