"""P: what happens to a task and to the loop that it is in."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from typing import Any

from nfclease import AsyncHttpNfcLease

from ...support.waiting import wait_for
from ..harness.case import case
from ..harness.world import DISK, DISK_SIZE, World


async def _download(world: World) -> None:
    async with AsyncHttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        await lease.wait_ready(10)
        await lease.download_all(world.target)


async def _cancel(world: World, seconds: float) -> None:
    task = asyncio.ensure_future(_download(world))
    await asyncio.sleep(seconds)
    task.cancel()
    await task


async def _time_out(world: World, seconds: float) -> None:
    await asyncio.wait_for(_download(world), seconds)


async def _gather(world: World, seconds: float) -> None:
    async def fail() -> None:
        await asyncio.sleep(seconds)
        raise LookupError("a sibling")

    task = asyncio.ensure_future(_download(world))
    try:
        await asyncio.gather(task, fail())
    finally:
        task.cancel()
        await asyncio.wait([task])


CANCELS: dict[str, tuple[Callable[[World, float], Any], type[BaseException]]] = {
    "cancel": (_cancel, asyncio.CancelledError),
    "wait_for": (_time_out, asyncio.TimeoutError),
    "sibling": (_gather, LookupError),
}


@case(
    "P07",
    "a task is cancelled, times out, or a sibling of it fails, at moments of chance",
    "the error of asyncio, one Abort, nothing kept",
    faces=("asyncio",),
    variants={f"{name} {turn}": (name, turn) for name in CANCELS for turn in range(7)},
    stars=1,
)
def task_cancelled(world: World, how: tuple[str, int]) -> None:
    work, kind = CANCELS[how[0]]
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 2)
    with world.fails(kind):
        asyncio.run(work(world, 0.15 + how[1] * 0.15 + world.random.random() * 0.15))


@case(
    "P08",
    "a loop is closed with a download in it",
    "no crash, an Abort, nothing kept",
    faces=("asyncio",),
)
def loop_closed(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 4)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task = loop.create_task(_download(world))
        loop.run_until_complete(asyncio.wait([task], timeout=1.0))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        del task, loop
        gc.collect()
    wait_for(lambda: world.simulator.calls("HttpNfcLeaseAbort"))
    wait_for(lambda: not list(world.target.glob("*.part")))
    world.wanted.append(("Abort",))
    world.failed = True
