"""The asyncio twin: who cancels what, which loop, and that it lacks nothing."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import AsyncHttpNfcLease, HttpNfcLease
from nfclease.simulator import Simulator

from ..support.clock import Stopwatch
from ..support.inventory import demo_vm_of
from ..support.leases import endings
from ..support.waiting import until, wait_for


def parts(directory: Path) -> list[str]:
    return [name for name in os.listdir(directory) if name.endswith(".part")]


async def stalled_export(service: Any, directory: Path) -> None:
    async with AsyncHttpNfcLease(demo_vm_of(service).ExportVm()) as lease:
        await lease.wait_ready(10)
        await lease.download_all(directory)


def test_export(demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:
    async def work() -> list[nfclease.TransferResult]:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            info = await lease.wait_ready(10)
            assert await lease.state == "ready"
            again: Any = await lease.info
            assert again.deviceUrl[0].key == info.deviceUrl[0].key
            await lease.Progress(5)
            results = await lease.download_all(tmp_path)
            assert len(await lease.HttpNfcLeaseGetManifest()) == len(results)
            return results

    results = asyncio.run(work())
    assert {result.verified for result in results} == {"manifest"}
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_nothing_is_missing() -> None:
    ours = {name for name in vars(HttpNfcLease) if not name.startswith("_")}
    theirs = {name for name in dir(vim.HttpNfcLease) if not name.startswith("_")} - {"Array"}
    assert [name for name in sorted(ours | theirs) if not hasattr(AsyncHttpNfcLease, name)] == []
    for name in ("Progress", "Complete", "Abort", "GetManifest", "SetManifestChecksumType"):
        assert getattr(AsyncHttpNfcLease, name) is getattr(AsyncHttpNfcLease, f"HttpNfcLease{name}")
    for name in ("wait_ready", "download", "download_all", "upload", "start_upload", "close"):
        assert inspect.iscoroutinefunction(getattr(AsyncHttpNfcLease, name))
        blocking = inspect.signature(getattr(HttpNfcLease, name)).parameters
        assert list(inspect.signature(getattr(AsyncHttpNfcLease, name)).parameters) == list(
            blocking
        )


def cancelled(work: Coroutine[Any, Any, None], directory: Path) -> Coroutine[Any, Any, None]:
    async def run() -> None:
        task = asyncio.ensure_future(work)
        await until(lambda: parts(directory))
        task.cancel()
        await task

    return run()


def cancelled_again(work: Coroutine[Any, Any, None], directory: Path) -> Coroutine[Any, Any, None]:
    async def run() -> None:
        task = asyncio.ensure_future(work)
        await until(lambda: parts(directory))
        for pause in (0, 0, 0, 0.01, 0.1):
            task.cancel()
            await asyncio.sleep(pause)
        await task

    return run()


def timed_out(work: Coroutine[Any, Any, None], directory: Path) -> Coroutine[Any, Any, None]:
    return asyncio.wait_for(work, 1.5)


def in_a_timeout(work: Coroutine[Any, Any, None], directory: Path) -> Coroutine[Any, Any, None]:
    async def run() -> None:
        timeouts: Any = asyncio
        async with timeouts.timeout(1.5):
            await work

    return run()


def sibling(work: Coroutine[Any, Any, None], directory: Path) -> Coroutine[Any, Any, None]:
    async def fail() -> None:
        await until(lambda: parts(directory))
        raise LookupError("sibling")

    async def run() -> None:
        groups: Any = asyncio
        async with groups.TaskGroup() as group:
            group.create_task(work)
            group.create_task(fail())

    return run()


since_3_11 = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="not run: timeout and TaskGroup are of Python 3.11"
)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (cancelled, asyncio.CancelledError),
        (cancelled_again, asyncio.CancelledError),
        (timed_out, asyncio.TimeoutError),
        pytest.param(in_a_timeout, asyncio.TimeoutError, marks=since_3_11),
        pytest.param(sibling, Exception, marks=since_3_11),
    ],
)
def test_a_cancelled_block(
    simulator: Simulator, service: Any, tmp_path: Path, how: Any, error: type[BaseException]
) -> None:
    """Stream ended, partial files removed, one Abort; then the cancellation goes on."""
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    complaints: list[object] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
        try:
            await how(stalled_export(service, tmp_path), tmp_path)
        finally:
            assert parts(tmp_path) == []
            assert endings(simulator) == ["HttpNfcLeaseAbort"]

    started = time.monotonic()
    with pytest.raises(error) as caught:
        asyncio.run(run())
    assert time.monotonic() - started < 8
    if how is sibling:
        assert [type(e) for e in caught.value.exceptions] == [LookupError]  # type: ignore[attr-defined]
    del caught  # its frames hold what a loop complains of when it is dropped
    gc.collect()
    assert complaints == []


def test_a_wait_that_is_cancelled(demo_vm: Any, simulator: Simulator) -> None:
    simulator.inject("init_forever", count=1)

    async def run() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            await asyncio.wait_for(lease.wait_ready(60), 0.3)

    started = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(run())
    assert time.monotonic() - started < 5
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.usefixtures("only_new_garbage")
def test_the_loop_is_free(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    simulator.inject("bandwidth", bytes_per_second=6 << 20)
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            clock = Stopwatch()
            await asyncio.sleep(0.01)
            gaps.append(clock.seconds())

    async def run() -> None:
        ticking = asyncio.ensure_future(tick())
        await stalled_export(service, tmp_path)
        ticking.cancel()

    asyncio.run(run())
    assert len(gaps) > 20
    assert max(gaps) < 0.5


def test_progress_by_async_for(demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:
    simulator.inject("bandwidth", bytes_per_second=3 << 20)
    seen: list[int] = []

    async def run() -> nfclease.TransferResult:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            info = await lease.wait_ready(10)
            disk = next(url for url in info.deviceUrl if url.disk)
            transfer = lease.start_download(disk, tmp_path / "disk")
            seen.extend([snapshot.bytes_done async for snapshot in transfer])
            assert transfer.done()
            return await transfer

    result = asyncio.run(run())
    assert seen == sorted(seen)
    assert seen[-1] == result.bytes
    assert 3 <= len(seen) <= 20


def test_a_failed_transfer_ends_async_for(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", code=404, disk=".vmdk")

    async def run() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            info = await lease.wait_ready(10)
            disk = next(url for url in info.deviceUrl if url.disk)
            transfer = lease.start_download(disk, tmp_path / "disk")
            async for _ in transfer:
                pass
            await transfer

    with pytest.raises(nfclease.HttpStatusError):
        asyncio.run(run())
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_copy_is_the_lease_itself(demo_vm: Any, simulator: Simulator) -> None:
    """Dropping it aborts nothing."""

    async def run() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            await lease.wait_ready(10)
            for made in (copy.copy(lease), copy.deepcopy(lease)):
                assert made is lease
            del made
            gc.collect()
            assert await lease.state == "ready"

    asyncio.run(run())
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_call_that_raises_stop_iteration(demo_vm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a hook of somebody's in pyvmomi may; the awaiting task must not wait for ever."""

    async def run() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            await lease.wait_ready(10)

            def progress(percent: int) -> None:
                raise StopIteration(percent)

            monkeypatch.setattr(type(lease.lease), "Progress", staticmethod(progress))
            await lease.Progress(5)

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(asyncio.wait_for(run(), 20))


def test_a_second_loop_is_refused(demo_vm: Any, simulator: Simulator) -> None:
    lease = AsyncHttpNfcLease(demo_vm.ExportVm())
    asyncio.run(lease.wait_ready(10))
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(lease.wait_ready(10))
    lease.lease.close()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_loop_that_is_closed(demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:
    """The transfer outlives its loop; the lease is aborted when it is dropped."""
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)

    async def leave_it() -> AsyncHttpNfcLease:
        lease = AsyncHttpNfcLease(demo_vm.ExportVm())
        info = await lease.wait_ready(10)
        disk = next(url for url in info.deviceUrl if url.disk)
        lease.start_download(disk, tmp_path / "disk")
        await until(lambda: parts(tmp_path))
        return lease

    lease = asyncio.run(leave_it())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del lease
        gc.collect()
    assert [warning.category for warning in told] == [ResourceWarning]
    aborted = ["HttpNfcLeaseAbort"]
    wait_for(lambda: endings(simulator) == aborted and not parts(tmp_path), 10)


def test_uvloop(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    uvloop = pytest.importorskip("uvloop", reason="not run: uvloop is not installed")
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(stalled_export(service, tmp_path))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


SCRIPT = """
import asyncio, sys
from nfclease import AsyncHttpNfcLease
from nfclease.simulator import Simulator
from tests.support.inventory import demo_vm_of
from pyVmomi import vim

async def main(service, directory):
    vm = demo_vm_of(service)
    async with AsyncHttpNfcLease(vm.ExportVm()) as lease:
        await lease.wait_ready(10)
        print("running", flush=True)
        await lease.download_all(directory)

with Simulator(disk_size="3m", initializing=0.05) as simulator:
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    try:
        asyncio.run(main(simulator.connect(), sys.argv[1]))
    except KeyboardInterrupt:
        names = [call["method"] for call in simulator.calls() if "Abort" in call["method"]]
        print("interrupted", names, flush=True)
"""


def test_ctrl_c(tmp_path: Path) -> None:
    interrupted(SCRIPT, tmp_path)
    assert parts(tmp_path) == []


def test_ctrl_c_amid_a_call(tmp_path: Path) -> None:
    """Whose thread is not waited for: the server answers it after ten seconds."""
    inject, wait = (
        'inject("stall", disk=".vmdk", after_bytes=1 << 20)',
        "lease.download_all(directory)",
    )
    assert inject in SCRIPT
    assert wait in SCRIPT
    late = 'inject("soap_delay", method="HttpNfcLeaseProgress", seconds=10)'
    interrupted(SCRIPT.replace(inject, late).replace(wait, "lease.Progress(5)"), tmp_path)


def interrupted(script: str, directory: Path) -> None:
    """It is told at once, with one Abort, and the process ends."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    time.sleep(0.5)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted ['HttpNfcLeaseAbort']\n"
    assert time.monotonic() - sent < 3
    process.stdout.close()
    assert process.wait(10) == 0
