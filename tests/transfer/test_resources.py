"""Large disks in little memory."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import import_spec, import_vm
from ..support.inventory import connected, demo_vm_of
from ..support.leases import disk_of

SIZE = 2 << 30
MOST_GROWTH = 40 << 20


def resident_bytes() -> int:
    """Resident memory of this process that is not shared with files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    pytest.skip("not run: the kernel does not tell RssAnon")


class Peak(threading.Thread):
    """Watches the resident memory."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.start_bytes = self.peak_bytes = resident_bytes()
        self._stop_watching = threading.Event()

    def run(self) -> None:
        while not self._stop_watching.wait(0.02):
            self.peak_bytes = max(self.peak_bytes, resident_bytes())

    def stop(self) -> int:
        self._stop_watching.set()
        self.join()
        return self.peak_bytes - self.start_bytes


@pytest.fixture
def big_service() -> Iterator[Any]:
    with Simulator(disk_size="2g", disks=1, initializing=0) as simulator:
        yield from connected(simulator)


@pytest.mark.timeout(110)
def test_two_gigabytes_out_and_in(open_lease: OpenLease, big_service: Any, tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).free < SIZE + (1 << 30):
        pytest.skip("not run: less than 3 GiB free")
    vm = demo_vm_of(big_service)
    peak = Peak()
    peak.start()
    with open_lease(vm.ExportVm()) as lease:
        disk = disk_of(lease)
        result = lease.download(disk, tmp_path / "disk.vmdk")
    assert result.bytes > SIZE * 0.99
    assert result.verified == "manifest"
    spec = import_spec(big_service, vm, "big", [result])
    with open_lease(import_vm(vm, spec)) as lease:
        lease.wait_ready(10)
        [item] = [item for item in spec.fileItem if item.path == result.name]
        uploaded = lease.upload(item, tmp_path / "disk.vmdk")
    growth = peak.stop()
    assert uploaded.verified == "manifest"
    assert uploaded.checksum == result.checksum == sha1_of(tmp_path / "disk.vmdk")
    os.unlink(tmp_path / "disk.vmdk")
    assert growth < MOST_GROWTH, f"{growth / 2**20:.0f} MiB"


def sha1_of(path: Path) -> str:
    digest = hashlib.sha1()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
