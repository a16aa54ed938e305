"""The faces of a job: what is opened or made is ended, however the job is left."""

from __future__ import annotations

import _thread
import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim

from nfclease._backends.blocking import run
from nfclease._operations import ready
from nfclease.appliance._face import AsyncioFace, BlockingFace, leased, made, task_result
from nfclease.simulator import Simulator

from ..support.jobs import run_job
from ..support.leases import endings

if TYPE_CHECKING:
    from nfclease.appliance._face import Face


def test_a_lease_is_completed(face: str, demo_vm: Any, simulator: Simulator) -> None:
    async def job(face: Face) -> str:
        async with leased(face, demo_vm.ExportVm, {"checksum_type": "sha1"}) as core:
            await ready.wait_ready(core, face.backend, 10)
            return core.moid

    assert run_job(face, job)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_an_error_aborts_the_lease(face: str, demo_vm: Any, simulator: Simulator) -> None:
    async def job(face: Face) -> None:
        async with leased(face, demo_vm.ExportVm, {}):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        run_job(face, job)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_wrong_option_is_refused_before_any_call(
    face: str, demo_vm: Any, simulator: Simulator
) -> None:
    async def job(face: Face) -> None:
        async with leased(face, demo_vm.ExportVm, {"max_concurrency": 0}):
            pass

    with pytest.raises(ValueError, match="max_concurrency"):
        run_job(face, job)
    assert simulator.calls("ExportVm") == []


def test_what_is_left_is_undone() -> None:
    """A call that nobody waits for any more brings something all the same."""
    called, may_return, undone = threading.Event(), threading.Event(), []

    def call() -> str:
        called.set()
        may_return.wait()
        return "a snapshot"

    def undo(value: str, cause: BaseException | None) -> None:
        undone.append((value, type(cause)))

    async def job() -> None:
        task = asyncio.ensure_future(made(AsyncioFace(), call, undo))
        await asyncio.to_thread(called.wait)
        task.cancel()
        await asyncio.sleep(0)
        may_return.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(job())
    assert undone == [("a snapshot", asyncio.CancelledError)]


def test_an_interrupt_undoes_what_is_made() -> None:
    interrupted, undone = threading.Event(), []

    def call() -> str:
        _thread.interrupt_main()
        interrupted.wait()
        return "a snapshot"

    async def job(face: Face) -> None:
        await made(face, call, lambda value, _: undone.append(value))

    class Interrupted(BlockingFace):
        async def cleanup(self, *args: Any) -> None:
            interrupted.set()
            await super().cleanup(*args)

    with pytest.raises(KeyboardInterrupt):
        run(job(Interrupted()))
    assert undone == ["a snapshot"]


def test_cleanup_is_made_and_what_it_raises_is_logged(
    face: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise OSError("no more")

    async def job(face: Face) -> None:
        await face.cleanup(broken, ValueError())

    run_job(face, job)
    assert "clean-up failed: OSError: no more" in caplog.text


def test_a_task_gives_its_result_or_its_error(face: str, service: Any, demo_vm: Any) -> None:
    async def result(face: Face) -> Any:
        return await task_result(face, demo_vm.CreateSnapshot_Task("mine", "", False, False))

    async def error(face: Face) -> Any:
        return await task_result(face, demo_vm.PowerOffVM_Task())

    assert isinstance(run_job(face, result), vim.vm.Snapshot)
    with pytest.raises(vim.fault.InvalidPowerState):
        run_job(face, error)
