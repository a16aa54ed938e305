"""A transfer that failed: an error that was read is the script's, any other stops Complete."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import AsyncHttpNfcLease, Transfer
from nfclease.simulator import Simulator

from ..support.inventory import demo_vm_of
from ..support.leases import endings
from ..support.waiting import until


async def forgotten(transfer: Transfer) -> None:
    task = asyncio.ensure_future(transfer)
    await until(task.done)


async def in_the_background(transfer: Transfer) -> None:
    """As asyncio's own documentation keeps such tasks."""
    task = asyncio.ensure_future(transfer)
    background = {task}
    task.add_done_callback(background.discard)
    del task
    await until(lambda: not background)


async def only_waited_for(transfer: Transfer) -> None:
    await asyncio.wait([asyncio.ensure_future(transfer)])


async def cancelled_afterwards(transfer: Transfer) -> None:
    await until(transfer.done)
    transfer.cancel()


async def shield_given_up(transfer: Transfer) -> None:
    """Whose caller leaves before the failure."""
    try:
        await asyncio.wait_for(asyncio.shield(transfer), 0.05)
    except asyncio.TimeoutError:
        return
    except nfclease.TruncatedError as error:
        raise AssertionError("it failed before the caller gave up") from error


async def shield_given_up_and_waited(transfer: Transfer) -> None:
    await shield_given_up(transfer)
    await until(transfer.done)


async def only_watched(transfer: Transfer) -> None:
    async for _ in transfer:
        pass


async def awaited(transfer: Transfer) -> None:
    with pytest.raises(nfclease.TruncatedError):
        await transfer


async def gathered(transfer: Transfer) -> None:
    [error] = await asyncio.gather(transfer, return_exceptions=True)
    assert isinstance(error, nfclease.TruncatedError)


async def shielded(transfer: Transfer) -> None:
    with pytest.raises(nfclease.TruncatedError):
        await asyncio.shield(transfer)


async def waited_for(transfer: Transfer) -> None:
    with pytest.raises(nfclease.TruncatedError):
        await asyncio.wait_for(transfer, 20)


async def read_later(transfer: Transfer) -> None:
    task = asyncio.ensure_future(transfer)
    del transfer
    await until(task.done)
    assert isinstance(task.exception(), nfclease.TruncatedError)


async def read_after_a_shield_was_given_up(transfer: Transfer) -> None:
    await shield_given_up(transfer)
    await awaited(transfer)


def run(
    simulator: Simulator, service: Any, path: Path, then: Callable[[Transfer], Awaitable[None]]
) -> None:
    """One transfer that fails after a while, and what the script does with it."""
    simulator.inject("bandwidth", bytes_per_second=3 << 20)
    simulator.inject("cut", disk="disk-1.vmdk", after_bytes=1 << 20)
    complaints: list[dict[str, Any]] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: complaints.append(told))
        vm = demo_vm_of(service)
        async with AsyncHttpNfcLease(vm.ExportVm(), max_retries=0) as lease:
            info = await lease.wait_ready(10)
            disk = next(url for url in info.deviceUrl if url.disk)
            started = [lease.start_download(disk, path)]
            await then(started.pop())

    asyncio.run(work())


@pytest.mark.parametrize(
    "then",
    [
        forgotten,
        in_the_background,
        only_waited_for,
        cancelled_afterwards,
        shield_given_up,
        shield_given_up_and_waited,
        only_watched,
    ],
)
def test_what_nobody_has_read_stops_complete(
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    then: Callable[[Transfer], Awaitable[None]],
) -> None:
    with pytest.raises(nfclease.TruncatedError):
        run(simulator, service, tmp_path / "disk", then)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "then",
    [awaited, gathered, shielded, waited_for, read_later, read_after_a_shield_was_given_up],
)
def test_what_was_read_is_the_scripts(
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    then: Callable[[Transfer], Awaitable[None]],
) -> None:
    run(simulator, service, tmp_path / "disk", then)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_forgotten_task_around_the_method(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("cut", disk="disk-1.vmdk", after_bytes=1 << 20)

    async def work() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: None)
        vm = demo_vm
        async with AsyncHttpNfcLease(vm.ExportVm(), max_retries=0) as lease:
            info = await lease.wait_ready(10)
            disk = next(url for url in info.deviceUrl if url.disk)
            task = asyncio.ensure_future(lease.download(disk, tmp_path / "disk"))
            await until(task.done)

    with pytest.raises(nfclease.TruncatedError):
        asyncio.run(work())
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


class MineError(Exception):
    """A file object's own."""


class Refusing(io.BytesIO):
    def write(self, data: Any) -> int:
        time.sleep(0.3)
        raise MineError


def test_an_unread_exception_of_a_file_object(demo_vm: Any, simulator: Simulator) -> None:
    """It comes out itself, though its first reader has gone."""

    async def work() -> None:
        vm = demo_vm
        async with AsyncHttpNfcLease(vm.ExportVm()) as lease:
            info = await lease.wait_ready(10)
            disk = next(url for url in info.deviceUrl if url.disk)
            transfer = lease.start_download(disk, Refusing())
            await shield_given_up(transfer)
            await until(transfer.done)
            await asyncio.sleep(0.1)

    with pytest.raises(MineError):
        asyncio.run(work())
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
