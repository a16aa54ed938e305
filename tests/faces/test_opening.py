"""A lease that the asyncio face opens itself: the loop is free, and none is left behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import AsyncHttpNfcLease
from nfclease.simulator import Simulator

from ..support.leases import endings, methods
from ..support.waiting import until, wait_for

#: Seconds that a slow ExportVm takes.
SLOW = 1.5


def opening(simulator: Simulator) -> bool:
    """Whether the server has the call, which it answers late."""
    return "ExportVm" in methods(simulator, "ExportVm")


def test_the_loop_is_free_meanwhile(simulator: Simulator, demo_vm: Any, tmp_path: Path) -> None:
    simulator.inject("soap_delay", method="ExportVm", seconds=SLOW)
    turns: list[float] = []

    async def tick() -> None:
        while True:
            turns.append(time.monotonic())
            await asyncio.sleep(0.02)

    async def export() -> Any:
        ticking = asyncio.ensure_future(tick())
        started = time.monotonic()
        async with AsyncHttpNfcLease(demo_vm.ExportVm) as lease:
            ended = time.monotonic()
            assert ended - started >= SLOW
            assert len([at for at in turns if started < at < ended]) > SLOW / 0.02 / 10
            ticking.cancel()
            await lease.wait_ready(10)
            return await lease.download_all(tmp_path / "out")

    assert {result.verified for result in asyncio.run(export())} == {"manifest"}
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_cancelled_before_the_lease_is_there(simulator: Simulator, demo_vm: Any) -> None:
    """It is aborted before the cancellation goes on."""
    simulator.inject("soap_delay", method="ExportVm", seconds=SLOW)
    seen: list[list[str]] = []

    async def export() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm):
            raise AssertionError("it was cancelled before")

    async def run() -> None:
        task = asyncio.ensure_future(export())
        await until(lambda: opening(simulator))
        task.cancel()
        try:
            await task
        finally:
            seen.append(endings(simulator))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert seen == [["HttpNfcLeaseAbort"]]


def test_a_call_that_nobody_waits_for_any_more(
    simulator: Simulator, demo_vm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread aborts what it brings, after the loop has gone."""
    monkeypatch.setattr("nfclease._opening.CLEANUP_TIMEOUT", 0.1)
    simulator.inject("soap_delay", method="ExportVm", seconds=SLOW)

    async def export() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm):
            raise AssertionError("it was cancelled before")

    async def run() -> None:
        task = asyncio.ensure_future(export())
        await until(lambda: opening(simulator))
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert endings(simulator) == []
    wait_for(lambda: endings(simulator) == ["HttpNfcLeaseAbort"])


def test_a_call_that_fails(simulator: Simulator, demo_vm: Any) -> None:
    fault = vim.fault.InvalidPowerState(msg="on")

    def refuse() -> Any:
        raise fault

    async def run() -> None:
        async with AsyncHttpNfcLease(refuse):
            raise AssertionError("there is no lease")

    with pytest.raises(vim.fault.InvalidPowerState) as caught:
        asyncio.run(run())
    assert caught.value is fault


def test_what_is_wrong_is_told_before_a_lease_is_opened(simulator: Simulator, demo_vm: Any) -> None:
    for error, options in (
        (TypeError, {"verify": False}),
        (ValueError, {"max_concurrency": 0}),
        (TypeError, {"stub": demo_vm._stub}),
    ):
        with pytest.raises(error, match=next(iter(options))):
            AsyncHttpNfcLease(demo_vm.ExportVm, **options)
    assert not opening(simulator)


def test_before_it_is_open(demo_vm: Any) -> None:
    lease = AsyncHttpNfcLease(demo_vm.ExportVm)
    assert "no lease yet" in repr(lease)
    assert lease._repr_html_() is None
    with pytest.raises(RuntimeError, match="async with"):
        _ = lease.lease
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(lease.wait_ready())
