"""What stops a script from outside: signals, and Ctrl-C with leases in a pool's threads."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import HttpNfcLease, TransferCancelledError
from nfclease.simulator import Simulator

from ..support.leases import disk_of, endings
from ..support.smoke import login
from ..support.waiting import wait_for

PAGE = Path(__file__).parents[2] / "docs" / "stopping.md"
SIGNALS, POOL = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.M)

LOGIN = """
import ssl, sys
from pathlib import Path
from pyVim.connect import SmartConnect
from pyVmomi import vim

directory, host, port, user, password, ca_file = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
vm = service.content.searchIndex.FindByInventoryPath("DC0/vm/demo-vm")
"""
BLOCKING = """
from nfclease import HttpNfcLease
with HttpNfcLease(vm.ExportVm()) as lease:
    lease.wait_ready(10)
    lease.download_all(directory)
"""
ASYNCIO = """
import asyncio
from nfclease import AsyncHttpNfcLease

async def export():
    async with AsyncHttpNfcLease(vm.ExportVm()) as lease:
        await lease.wait_ready(10)
        await lease.download_all(directory)

asyncio.run(export())
"""
#: The page's block without its last line, which exports one VM.
IN_A_POOL = (
    POOL.rpartition("\n\n")[0]
    + """
names = [f"DC0/vm/pooled-{number}" for number in range(9)]
vms = [service.content.searchIndex.FindByInventoryPath(name) for name in names]
export_all(vms, Path(directory))
"""
)


def stopped(
    simulator: Simulator, code: str, directory: Path, number: int, leases: int
) -> tuple[int, float]:
    """The end of a script that is signalled during its exports, and how long that took."""
    simulator.inject("bandwidth", bytes_per_second=10_000)
    command = [sys.executable, "-c", LOGIN + code, str(directory), *login(simulator)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(list(directory.rglob("*.part"))) >= 3 * leases, 30)
        wait_for(lambda: len(simulator.requests()) >= leases, 30)
        sent = time.monotonic()
        process.send_signal(number)
        return process.wait(30), time.monotonic() - sent
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("code", [BLOCKING, ASYNCIO], ids=["blocking", "asyncio"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_two_lines(simulator: Simulator, tmp_path: Path, code: str, number: int) -> None:
    ended, _ = stopped(simulator, SIGNALS + code, tmp_path, number, 1)
    assert ended == 128 + number
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def pooled(shared_simulator: Simulator) -> None:
    for number in range(9):
        shared_simulator.add_vm(f"pooled-{number}", disks=3)


@pytest.mark.usefixtures("pooled")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_pool(simulator: Simulator, tmp_path: Path, number: int) -> None:
    """The exports of four VMs at once, five more wait: no lease is left, and nobody waits long."""
    ended, seconds = stopped(simulator, SIGNALS + IN_A_POOL, tmp_path, number, 4)
    assert ended != 0
    assert seconds < 20
    assert endings(simulator) == ["HttpNfcLeaseAbort"] * len(simulator.calls("ExportVm"))
    assert {lease["state"] for lease in simulator.leases()} == {"error"}
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_cancel_all_ends_what_other_threads_wait_for(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=4096)
    moving = threading.Barrier(3)

    def initializing() -> None:
        simulator.inject("init_forever", count=1)
        raw = demo_vm.ExportVm()
        with HttpNfcLease(raw) as lease:
            moving.wait(30)
            lease.wait_ready(60)

    def downloading() -> None:
        with HttpNfcLease(demo_vm.ExportVm()) as lease:
            disk = disk_of(lease)
            moving.wait(30)
            lease.download(disk, tmp_path / "disk")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(initializing)
        wait_for(lambda: simulator.calls("ExportVm"), 30)
        second = pool.submit(downloading)
        moving.wait(30)
        nfclease.cancel_all()
        for future in (first, second):
            assert isinstance(future.exception(30), TransferCancelledError)
    assert endings(simulator) == ["HttpNfcLeaseAbort"] * 2
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_was_cancelled_is_no_success(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """Its files are there, and nothing was completed: what an import made would be gone."""
    with pytest.raises(TransferCancelledError), HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
        nfclease.cancel_all()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_cancel_all_concerns_no_lease_that_comes_later(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    nfclease.cancel_all()
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        assert lease.download_all(tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


async def called() -> None:
    nfclease.cancel_all()


def test_cancel_all_is_refused_in_a_coroutine() -> None:
    import asyncio

    with pytest.raises(RuntimeError, match="cancel the tasks"):
        asyncio.run(called())
