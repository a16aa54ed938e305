"""A Transfer is a ``concurrent.futures.Future``: callbacks, ``wait``, who has read a failure."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import io
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, as_completed, wait
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import Transfer, TransferCancelledError, TransferProgress
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.leases import disk_of, endings
from ..support.waiting import until, wait_for


def start_all(lease: Any, directory: Path) -> list[Transfer]:
    devices = [url for url in lease.wait_ready(10).deviceUrl if url.disk]
    return [lease.start_download(url, directory / url.targetId) for url in devices]


def test_wait_and_as_completed(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        transfers = start_all(lease, tmp_path)
        assert {one.result().verified for one in as_completed(transfers, 30)} == {"manifest"}
        done, running = wait(transfers, 30)
        assert (done, running) == (set(transfers), set())
        for one in transfers:
            assert isinstance(one, concurrent.futures.Future)
            assert (one.exception(), one.cancelled(), one.running()) == (None, False, False)
            assert one.cancel() is False
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_wait_for_the_first_failure(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    simulator.inject("stall", disk="disk-2.vmdk", after_bytes=4096)
    with pytest.raises(nfclease.HttpStatusError), open_lease(demo_vm.ExportVm()) as lease:
        transfers = start_all(lease, tmp_path)
        done, running = wait(transfers, 30, FIRST_EXCEPTION)
        assert done
        assert running
        for one in done:
            one.result()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.glob("*.part")) == []


def test_a_wait_that_times_out(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=4096)
    with pytest.raises(LookupError), open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        while not transfer.progress.bytes_done:
            time.sleep(0.01)
        assert transfer.running()
        assert wait([transfer], 0.1).not_done == {transfer}
        with pytest.raises(TimeoutError, match="it goes on"):
            transfer.exception(0)
        raise LookupError


def test_callbacks(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """In the order of addition, in one thread that is not the caller's; at once after the end."""
    called: list[Any] = []
    everything = threading.Event()
    with open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        transfer.add_done_callback(lambda one: called.append(one.result().verified))
        transfer.add_done_callback(lambda one: called.append(1 / 0))  # logged, and no more
        transfer.add_done_callback(lambda _: called.append(threading.current_thread()))
        transfer.add_done_callback(lambda _: everything.set())
        assert everything.wait(30)
        assert called[0] == "manifest"
        assert called[1] is not threading.current_thread()
        transfer.add_done_callback(lambda _: called.append(threading.current_thread()))
        assert called[2] is threading.current_thread()
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_callback_of_a_transfer_that_nobody_keeps(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    called = threading.Event()
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.start_download(disk_of(lease), tmp_path / "disk").add_done_callback(
            lambda _: called.set()
        )
        gc.collect()
        assert called.wait(30)


def test_a_transfer_that_is_cancelled(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=4096)
    with open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        assert transfer.cancel() is True
        assert wait([transfer], 30).done == {transfer}
        assert transfer.cancelled()
        assert transfer.cancel() is True
        for read in (transfer.exception, transfer.result):
            with pytest.raises(TransferCancelledError):
                read()
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert list(tmp_path.iterdir()) == []


def test_an_exception_that_was_asked_for_is_read(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    with open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        error = transfer.exception(30)
        assert isinstance(error, nfclease.HttpStatusError)
        assert transfer.exception() is error
        with pytest.raises(nfclease.HttpStatusError) as raised:
            transfer.result()
        assert raised.value is error
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("how", ["wait", "callback", "done"])
def test_what_is_only_waited_for_is_not_read(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, how: str
) -> None:
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    called = threading.Event()
    with pytest.raises(nfclease.HttpStatusError), open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        if how == "wait":
            assert wait([transfer], 30).done
        elif how == "callback":
            transfer.add_done_callback(lambda _: called.set())
            assert called.wait(30)
        while not transfer.done():
            time.sleep(0.01)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


class MineError(Exception):
    """A file object's own."""


class Refusing(io.BytesIO):
    def write(self, data: Any) -> int:
        raise MineError


def test_a_users_own_exception_stays_the_same(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), Refusing())
        assert wait([transfer], 30).done
        error = transfer.exception()
        assert isinstance(error, MineError)
        for _ in range(2):
            with pytest.raises(MineError) as raised:
                transfer.result()
            assert raised.value is error
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_an_asyncio_future_of_it(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """As libraries make one; cancelling it cancels the transfer."""
    simulator.inject("stall", disk="disk-2.vmdk", after_bytes=4096)

    async def results(transfers: list[Transfer]) -> Any:
        first, second, *_ = [asyncio.wrap_future(one) for one in transfers]
        verified = (await first).verified
        second.cancel()
        await until(transfers[1].done)
        return verified

    with open_lease(demo_vm.ExportVm()) as lease:
        transfers = start_all(lease, tmp_path)
        assert asyncio.run(results(transfers)) == "manifest"
        assert transfers[1].cancelled()
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_lease_is_dropped_though_somebody_waited(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=4096)
    lease = open_lease(demo_vm.ExportVm())
    transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
    assert wait([transfer], 0.1).not_done
    with pytest.warns(ResourceWarning, match="dropped while it was held"):
        del lease, transfer
        gc.collect()
    while not endings(simulator) or list(tmp_path.iterdir()):
        time.sleep(0.02)


def test_progress_in_the_background(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, imported: Imported, tmp_path: Path
) -> None:
    told: list[TransferProgress] = []
    ended = threading.Event()

    def tell(snapshot: TransferProgress) -> None:
        told.append(snapshot)
        if snapshot.done:
            ended.set()

    raw, item, path, _ = imported
    with open_lease(raw) as lease:
        lease.wait_ready(10)
        result = lease.start_upload(item, path, progress=tell).result()
        assert ended.wait(30)
        assert result.path == str(path)
    assert told[-1].bytes_done == result.bytes
    ended.clear()
    simulator.inject("bandwidth", bytes_per_second=3 << 20)
    with open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "again", progress=tell)
        assert transfer.result().path == str(tmp_path / "again")
        assert ended.wait(30)
    assert len([one for one in told if one.key == transfer.key]) > 2


@pytest.mark.parametrize("read", [True, False])
def test_a_callable_that_raises_ends_the_transfer(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, read: bool
) -> None:
    simulator.inject("bandwidth", bytes_per_second=100_000)

    def tell(_: TransferProgress) -> None:
        raise MineError

    with pytest.raises(MineError), open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk", progress=tell)
        if read:
            transfer.result()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_a_bar_for_the_background_is_refused(
    open_lease: OpenLease, demo_vm: Any, tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match="a bar belongs"), open_lease(demo_vm.ExportVm()) as lease:
        wrong: Any = True
        lease.start_download(disk_of(lease), tmp_path / "disk", progress=wrong)


def test_the_path_of_a_result(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        assert lease.download(disk, tmp_path / "disk").path == str(tmp_path / "disk")
        assert lease.download(disk, io.BytesIO()).path is None
        for result in lease.download_all(tmp_path / "all"):
            assert result.path == str(tmp_path / "all" / result.name)


def test_the_thread_for_callbacks_goes(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        wait(start_all(lease, tmp_path), 30)
    wait_for(lambda: "nfclease-calls" not in [thread.name for thread in threading.enumerate()], 30)
