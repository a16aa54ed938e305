"""A transfer awaited: its result, its failure, and what a cancelled wait leaves behind."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease, Transfer
from nfclease.simulator import Simulator

from ..support.inventory import demo_vm_of
from ..support.leases import endings


def export(service: Any, work: Callable[[HttpNfcLease], Coroutine[Any, Any, Any]]) -> Any:
    vm = demo_vm_of(service)
    with HttpNfcLease(vm.ExportVm()) as lease:
        lease.wait_ready(10)
        return asyncio.run(work(lease))


def devices(lease: HttpNfcLease) -> list[Any]:
    """Of a lease that is ready."""
    info = lease.info
    assert info is not None
    return list(info.deviceUrl)


def start(lease: HttpNfcLease, directory: Path) -> list[Transfer]:
    return [lease.start_download(url, directory / url.targetId) for url in devices(lease)]


def wait_until_it_moves(transfer: Transfer) -> None:
    while transfer.progress.bytes_done == 0:
        time.sleep(0.01)


def test_awaiting_gives_the_result(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    async def work(lease: HttpNfcLease) -> list[nfclease.TransferResult]:
        return await asyncio.gather(*start(lease, tmp_path))

    results = export(service, work)
    assert len(results) == 5
    assert {result.verified for result in results} == {"manifest"}
    for result in results:
        assert (tmp_path / result.name).stat().st_size == result.bytes
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_the_loop_goes_on_meanwhile(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    simulator.inject("bandwidth", bytes_per_second=6 << 20)
    seen: list[int] = []

    async def work(lease: HttpNfcLease) -> None:
        device = next(url for url in devices(lease) if url.disk)
        transfer = lease.start_download(device, tmp_path / "disk")
        waiting = asyncio.ensure_future(transfer)
        while not waiting.done():
            seen.append(transfer.progress.bytes_done)
            await asyncio.sleep(0.02)
        assert (await waiting) == transfer.result()

    export(service, work)
    assert len(set(seen)) > 3
    assert seen == sorted(seen)


def test_a_failure_is_raised_where_it_is_awaited(
    simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    simulator.inject("flip", disk="disk-1.vmdk", offset=1 << 20)

    async def work(lease: HttpNfcLease) -> None:
        await asyncio.gather(*start(lease, tmp_path))

    with pytest.raises(nfclease.ChecksumMismatchError):
        export(service, work)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_cancelled_wait_cancels_the_transfer(
    simulator: Simulator, service: Any, tmp_path: Path, how: str
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=1 << 20)

    async def work(lease: HttpNfcLease) -> None:
        device = next(url for url in devices(lease) if url.disk)
        transfer = lease.start_download(device, tmp_path / "disk")
        wait_until_it_moves(transfer)
        waiting = asyncio.ensure_future(transfer)
        try:
            if how == "timeout":
                await asyncio.wait_for(waiting, 0.1)
            else:
                await asyncio.sleep(0)
                waiting.cancel()
                await waiting
        finally:
            assert transfer.done()
            assert os.listdir(tmp_path) == []

    expected = asyncio.CancelledError if how == "cancel" else asyncio.TimeoutError
    with pytest.raises(expected):
        export(service, work)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_shielded_wait_leaves_it_running(
    simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=6 << 20)

    async def work(lease: HttpNfcLease) -> nfclease.TransferResult:
        device = next(url for url in devices(lease) if url.disk)
        transfer = lease.start_download(device, tmp_path / "disk")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(transfer), 0.05)
        return await transfer

    assert export(service, work).verified == "manifest"


def test_awaited_from_a_loop_in_another_thread(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    results: list[Any] = []
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        transfers = start(lease, tmp_path)

        async def work() -> None:
            results.extend(await asyncio.gather(*transfers))

        thread = threading.Thread(target=lambda: asyncio.run(work()))
        thread.start()
        thread.join(30)
    assert len(results) == len(transfers)


def test_without_a_loop(demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        transfers = start(lease, tmp_path)
        with pytest.raises(RuntimeError, match="no running event loop"):
            transfers[0].__await__().send(None)
        assert all(transfer.result().verified == "manifest" for transfer in transfers)


def file_item() -> Any:
    """Whose device is looked up in ``info``, which is a call."""
    return vim.OvfManager.FileItem(deviceId="/x/disk:0", path="x", cimType=17, create=False)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda lease, disk: lease.wait_ready(), id="wait_ready"),
        pytest.param(lambda lease, disk: lease.download(disk, "here"), id="download"),
        pytest.param(lambda lease, disk: lease.download_all("."), id="download_all"),
        pytest.param(lambda lease, disk: lease.upload(disk, b"x"), id="upload"),
        pytest.param(lambda lease, disk: lease.start_download(disk, "here").result(), id="result"),
        pytest.param(lambda lease, disk: lease.start_upload(file_item(), b"x"), id="start_upload"),
        pytest.param(lambda lease, disk: lease.close(), id="close"),
        pytest.param(lambda lease, disk: lease.__enter__(), id="with"),
    ],
)
def test_a_blocking_call_in_a_coroutine_is_refused(
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[HttpNfcLease, Any], Any],
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=4096)
    monkeypatch.chdir(tmp_path)

    async def work(lease: HttpNfcLease) -> None:
        call(lease, next(url for url in devices(lease) if url.disk))

    with pytest.raises(RuntimeError, match=r"\(\) would block the event loop in which work\(\)"):
        export(service, work)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_a_blocking_call_of_a_line_in_a_running_loop(service: Any, tmp_path: Path) -> None:
    """As a cell or the asyncio REPL runs it; and a result that is there blocks nobody."""

    async def work(lease: HttpNfcLease) -> None:
        disk = next(url for url in devices(lease) if url.disk)
        names = {"lease": lease, "disk": disk, "path": tmp_path / "disk"}
        exec("result = lease.download(disk, path)", names)
        transfer = lease.start_download(disk, tmp_path / "again")
        assert (await transfer).checksum is not None
        assert transfer.result() == await transfer

    export(service, work)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "disk"]
