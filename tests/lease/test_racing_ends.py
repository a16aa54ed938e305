"""Endings that meet: a second thread, a second signal, a fork, a loop that is gone. One ending."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import nfclease
from nfclease import AsyncHttpNfcLease, HttpNfcLease
from nfclease.simulator import Simulator

from ..support.clock import Stopwatch
from ..support.file_objects import Stuck
from ..support.leases import disk_of, endings
from ..support.waiting import until, wait_for

on_posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="not run: no timer signals")


class AlarmError(Exception):
    """Raised by a signal handler."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class OddMessageError(Exception):
    msg = ("not", "a text")


class NoMessageError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text of this")


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(lambda: OddMessageError("x"), id="msg is not text"),
        pytest.param(NoMessageError, id="no text"),
        pytest.param(lambda: RuntimeError("bad \udcff name"), id="lone surrogate"),
        pytest.param(lambda: RuntimeError("\x1b[31mred\x00\ufffe"), id="not in XML"),
    ],
)
def test_a_cause_that_cannot_be_told_as_it_is(
    demo_vm: Any, simulator: Simulator, cause: Callable[[], Exception]
) -> None:
    """It comes out unchanged, and the Abort is one that the server understands."""
    error = cause()
    with pytest.raises(type(error)) as caught, HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        raise error
    assert caught.value is error
    [abort] = simulator.calls("HttpNfcLeaseAbort")
    assert abort["result"] == "ok"
    assert type(error).__name__ in str(abort["args"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_drop_where_warnings_are_errors(demo_vm: Any, simulator: Simulator) -> None:
    lease = HttpNfcLease(demo_vm.ExportVm())
    lease.wait_ready(10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del lease
    wait_for(lambda: endings(simulator) == ["HttpNfcLeaseAbort"])


@on_posix
def test_a_constructor_that_is_interrupted(
    demo_vm: Any, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the core has taken the lease on, and no Python object has it yet."""

    def interrupted(stub: Any, core: Any) -> Any:
        raise AlarmError

    monkeypatch.setattr("nfclease._pyvmomi.lease.native_stub", interrupted)
    with pytest.raises(AlarmError) as caught:
        HttpNfcLease(demo_vm.ExportVm())
    caught.value.__traceback__ = None
    del caught
    gc.collect()
    wait_for(lambda: endings(simulator) == ["HttpNfcLeaseAbort"])


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_closed_loop_with_a_task_in_it(
    demo_vm: Any, simulator: Simulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing native holds the task: with it goes the lease."""
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)

    async def work() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            await lease.wait_ready(10)
            await lease.download_all(tmp_path)

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, told: None)  # that the task is pending
    task = loop.create_task(work())
    loop.run_until_complete(until(lambda: list(tmp_path.glob("*.part"))))
    loop.close()
    del task, loop
    gc.collect()
    wait_for(lambda: endings(simulator) == ["HttpNfcLeaseAbort"])
    wait_for(lambda: not list(tmp_path.glob("*.part")))
    assert "Event loop is closed" not in capfd.readouterr().err


@pytest.mark.parametrize("name", ["Complete", "Abort"])
@pytest.mark.parametrize("after", [0.0, 0.3], ids=["at once", "under way"])
def test_a_call_that_ends_the_lease_is_cancelled(
    demo_vm: Any, simulator: Simulator, name: str, after: float
) -> None:
    """It is decided first, and no second ending is sent."""
    simulator.inject("soap_delay", method=f"HttpNfcLease{name}", seconds=1)

    async def run() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            await lease.wait_ready(10)
            call = asyncio.ensure_future(getattr(lease, name)())
            await asyncio.sleep(after)
            call.cancel()
            await call

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    sent = endings(simulator)
    assert sent == [f"HttpNfcLease{name}" if after else sent[0]]


def test_close_while_the_block_waits(demo_vm: Any, simulator: Simulator) -> None:
    """From another thread, during a transfer that does not stop: the block still ends."""
    target = Stuck()
    lease = HttpNfcLease(demo_vm.ExportVm())
    transfer = lease.start_download(disk_of(lease), target)
    closing = threading.Timer(0.3, lease.close)
    going_on = threading.Timer(6, target.goes_on.set)
    for timer in (closing, going_on):
        timer.start()
    with lease:  # the script ended it itself: no error
        pass
    assert transfer.done()
    closing.join()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@on_posix
def test_a_complete_that_is_refused_when_nobody_waits(demo_vm: Any, simulator: Simulator) -> None:
    """The Abort that was given up for it is sent then: the lease is not left held."""
    simulator.inject("soap_delay", method="HttpNfcLeaseComplete", seconds=12)
    simulator.inject("soap_fault", method="HttpNfcLeaseComplete", fault="vmodl.fault.SystemError")
    with alarm(0.5), pytest.raises(AlarmError), HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    wait_for(lambda: endings(simulator) == ["HttpNfcLeaseComplete", "HttpNfcLeaseAbort"])


@on_posix
def test_a_signal_amid_the_clean_up(demo_vm: Any, simulator: Simulator) -> None:
    """Its handler's exception is not lost; the first goes along as its context."""
    target, error = Stuck(), LookupError("first")

    def fail(snapshot: nfclease.TransferProgress) -> None:
        if snapshot.bytes_done:
            assert target.reached.wait(20), "bytes wait for a thread that writes them"
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            raise error

    try:
        with (
            alarm(20),
            pytest.raises(AlarmError) as caught,
            HttpNfcLease(demo_vm.ExportVm()) as lease,
        ):
            lease.wait_ready(10)
            lease.download(disk_of(lease), target, progress=fail)
        assert caught.value.__context__ is error
    finally:
        target.goes_on.set()
    wait_for(lambda: endings(simulator) == ["HttpNfcLeaseAbort"])


def test_an_abort_without_an_answer(demo_vm: Any, simulator: Simulator) -> None:
    """Clean-up ends after ten seconds, and says how it went."""
    simulator.inject("soap_delay", method="HttpNfcLeaseAbort", seconds=15)
    error = nfclease.NfcError("mine")

    async def run() -> None:
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            await lease.wait_ready(10)
            raise error

    began = time.monotonic()
    with pytest.raises(nfclease.NfcError):
        asyncio.run(run())
    assert time.monotonic() - began < 11
    assert error.lease_outcome == "abort_failed"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_its_parents_aborts(
    demo_vm: Any, simulator: Simulator
) -> None:
    simulator.inject("soap_delay", method="HttpNfcLeaseAbort", seconds=3)
    lease = HttpNfcLease(demo_vm.ExportVm())
    lease.wait_ready(10)
    closing = threading.Thread(target=lease.close)
    closing.start()
    wait_for(lambda: endings(simulator))
    child = os.fork()
    if child == 0:
        try:
            clock = Stopwatch()
            sys.modules["nfclease._open_leases"].abort_at_exit()
            os._exit(0 if clock.seconds() < 1 else 1)
        finally:  # never on into the other tests
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    closing.join()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


LEFT_HELD = """
import gc, os, sys, time, warnings
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

warnings.simplefilter("error")
with Simulator() as simulator:
    vm = simulator.connect().content.searchIndex.FindByInventoryPath("DC0/vm/demo-vm")
    lease = HttpNfcLease(vm.ExportVm())
    lease.wait_ready(10)
    simulator.inject("soap_fault", method="HttpNfcLeaseAbort", fault="vmodl.fault.SystemError")
    del lease
    gc.collect()
    while "HttpNfcLeaseAbort" not in [call["method"] for call in simulator.calls()]:
        time.sleep(0.02)
    time.sleep(0.5)
    child = os.fork()
    if child == 0:
        try:
            sys.modules["nfclease._open_leases"].abort_at_exit()
            os._exit(0)
        finally:
            os._exit(2)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    try:
        sys.modules["nfclease._open_leases"].abort_at_exit()
    except RuntimeWarning as warning:
        print(warning)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
def test_a_forked_child_does_not_tell_of_its_parents_leases() -> None:
    """A lease that its parent could not abort is the parent's to name at its exit."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LEFT_HELD],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    child, *parent = done.stdout.splitlines()
    assert child == "0", done.stderr
    assert re.fullmatch(r"lease .* could not be aborted; the server holds it .*", "".join(parent))


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="not run: no users here")
def test_a_directory_that_cannot_be_synced(demo_vm: Any, tmp_path: Path) -> None:
    """The file has its name by then: that is not a failure."""
    directory = tmp_path / "write-only"
    directory.mkdir()
    user = os.geteuid()
    if user == 0:  # root may open it all the same
        for path in (tmp_path, *tmp_path.parents):
            if path.stat().st_mode & 0o001 == 0 and path.owner() == "root":
                path.chmod(path.stat().st_mode | 0o011)
        os.chown(directory, 65534, 65534)
    directory.chmod(0o300)
    try:
        os.seteuid(65534 if user == 0 else user)
        with HttpNfcLease(demo_vm.ExportVm()) as lease:
            assert lease.download(disk_of(lease), directory / "disk").verified == "manifest"
    finally:
        os.seteuid(user)
        directory.chmod(0o700)
    assert os.listdir(directory) == ["disk"]
