"""A notebook's kernel: interrupt, use after it, restart. The kernel and its messages are real."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.clock import Stopwatch
from ..support.inventory import DISK_SIZE
from ..support.kernels import Kernel
from ..support.leases import endings

BLOCKING = """
with HttpNfcLease(vm.ExportVm()) as lease:
    lease.wait_ready()
    print("moving", flush=True)
    lease.download_all({directory!r})
"""
AWAITED = """
async with AsyncHttpNfcLease(vm.ExportVm()) as lease:
    await lease.wait_ready()
    print("moving", flush=True)
    await lease.download_all({directory!r})
"""


@pytest.fixture(scope="module")
def shared_kernel(shared_simulator: Simulator) -> Iterator[Kernel]:
    kernel = Kernel(shared_simulator)
    yield kernel
    kernel.stop()


def press(simulator: Simulator, kernel: Kernel, cell: str, directory: Path) -> float:
    """Seconds from the button to the end of the cell; nothing of the export is left then."""
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    message = kernel.execute(cell.format(directory=str(directory)))
    kernel.wait_for_output(message, "moving")
    time.sleep(0.7)
    kernel.manager.interrupt_kernel()
    clock = Stopwatch(simulator.pid, kernel.pid)
    content = kernel.reply(message)
    took = clock.seconds()
    assert content["status"] == "error"
    assert content["ename"] in ("KeyboardInterrupt", "CancelledError")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not [path for path in directory.iterdir() if path.suffix in (".part", ".vmdk")]
    for path in directory.iterdir():
        path.unlink()
    simulator.reset()
    return took


@pytest.mark.parametrize("cell", [BLOCKING, AWAITED], ids=["blocking", "await"])
def test_the_stop_button(
    simulator: Simulator, shared_kernel: Kernel, tmp_path: Path, cell: str
) -> None:
    """It arrives while nothing moves at all, ends in one Abort, and the kernel goes on."""
    kernel = shared_kernel
    took = [press(simulator, kernel, cell, tmp_path) for _ in range(3)]
    assert statistics.median(took) < 0.5, took
    assert max(took) < 1.5, took
    message = kernel.execute(cell.format(directory=str(tmp_path)))
    assert kernel.reply(message)["status"] == "ok"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("cell", [BLOCKING, AWAITED], ids=["blocking", "await"])
def test_rows_that_move(
    simulator: Simulator, shared_kernel: Kernel, tmp_path: Path, cell: str
) -> None:
    """One output, drawn again in its place; no widget, so that a saved notebook still shows it."""
    simulator.inject("bandwidth", disk=".vmdk", bytes_per_second=DISK_SIZE)
    code = cell.replace("{directory!r}", "{directory!r}, progress=True")
    message = shared_kernel.execute(code.format(directory=str(tmp_path)))
    shown = shared_kernel.outputs(message)
    assert not [got for got in shown if got["msg_type"] == "error"]
    [first] = [got["content"] for got in shown if got["msg_type"] == "display_data"]
    later = [got["content"] for got in shown if got["msg_type"] == "update_display_data"]
    assert len(later) >= 3
    assert {each["transient"]["display_id"] for each in (first, *later)} == {
        first["transient"]["display_id"]
    }
    tables = [each["data"]["text/html"] for each in later]
    assert [html for html in tables if "all disks hold up to" in html]
    assert tables[-1].count("<tr>") == 6
    assert tables[-1].count(">ended<") == 5
    assert "5 of 5 files" in tables[-1]
    assert "total: " in later[-1]["data"]["text/plain"]


def test_a_restart(simulator: Simulator, tmp_path: Path) -> None:
    """No file that looks complete; the lease is aborted, or left to expire by itself."""
    kernel = Kernel(simulator)
    simulator.reset()
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    message = kernel.execute(BLOCKING.format(directory=str(tmp_path)))
    kernel.wait_for_output(message, "moving")
    time.sleep(0.5)
    try:
        kernel.manager.restart_kernel(now=True)
    finally:
        kernel.stop()
    assert not list(tmp_path.glob("*.vmdk"))
    assert endings(simulator) in ([], ["HttpNfcLeaseAbort"])
