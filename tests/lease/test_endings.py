"""The ways out of a lease: Ctrl-C, exceptions, close, dropped objects, a lost Complete, exit."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator

from ..support.clock import Stopwatch
from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.inventory import DISK_SIZE, demo_vm_of
from ..support.leases import disk_of, endings
from ..support.smoke import EXIT_MIDWAY, login
from ..support.waiting import wait_for


def slow_lease(simulator: Simulator, service: Any, seconds: float) -> tuple[Any, Any]:
    """A demo VM whose disks take this long, and its lease."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / seconds)
    vm = demo_vm_of(service)
    return vm, vm.ExportVm()


class Interrupt(threading.Thread):
    """Sends SIGINT to the main thread, as Ctrl-C does."""

    def __init__(self, delay: float, simulator: Simulator) -> None:
        super().__init__()
        self._delay = delay
        self._pid = simulator.pid
        #: From the press on.
        self.clock = Stopwatch()

    def run(self) -> None:
        time.sleep(self._delay)
        self.clock = Stopwatch(self._pid)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_ctrl_c_in_an_export(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    _, raw = slow_lease(simulator, service, 4)
    interrupt = Interrupt(2, simulator)
    with pytest.raises(KeyboardInterrupt), open_lease(raw) as lease:
        lease.wait_ready(10)
        interrupt.start()
        lease.download_all(tmp_path)
    assert interrupt.clock.seconds() < 0.5
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".part", ".vmdk")]
    [abort] = simulator.calls("HttpNfcLeaseAbort")
    assert "KeyboardInterrupt" in str(abort["args"])


def test_ctrl_c_in_an_import(
    open_lease: OpenLease, simulator: Simulator, service: Any, imported: Imported
) -> None:
    raw, item, path, name = imported
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 4)
    interrupt = Interrupt(2, simulator)
    with pytest.raises(KeyboardInterrupt), open_lease(raw) as lease:
        lease.wait_ready(10)
        interrupt.start()
        lease.upload(item, path)
    assert interrupt.clock.seconds() < 0.5
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert service.content.searchIndex.FindByInventoryPath(f"DC0/vm/{name}") is None


@pytest.mark.parametrize("cause", [RuntimeError("mine"), SystemExit(3), KeyboardInterrupt()])
def test_any_exception_aborts_and_passes(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, cause: BaseException
) -> None:
    with pytest.raises(type(cause)) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        raise cause
    assert raised.value is cause
    cause.__traceback__ = None  # a parameter lives on, and with it the frame that has the lease
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_close_without_complete(open_lease: OpenLease, demo_vm: Any, simulator: Simulator) -> None:
    lease = open_lease(demo_vm.ExportVm())
    lease.wait_ready(10)
    lease.close()
    lease.close()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    with pytest.raises(vim.fault.InvalidState):
        lease.Complete()


@pytest.mark.parametrize("name", ["Complete", "HttpNfcLeaseComplete"])
def test_the_scripts_own_complete(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, name: str
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        while not simulator.calls("HttpNfcLeaseProgress"):  # the first is on its way
            time.sleep(0.01)
        assert getattr(lease, name)() is None
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    last = simulator.calls("HttpNfcLeaseProgress")[-1]["t"]
    assert last <= simulator.calls("HttpNfcLeaseComplete")[0]["t"]


def test_the_scripts_own_abort(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    _, raw = slow_lease(simulator, service, 30)
    with open_lease(raw) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        lease.Abort(vmodl.fault.SystemError(reason="enough"))
        with pytest.raises(nfclease.TransferCancelledError):
            transfer.result(5)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []
    assert lease.state == "error"
    assert isinstance(lease.error, vmodl.fault.SystemError)
    assert lease.error.reason == "enough"


def test_a_dropped_lease_is_aborted(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    lease = open_lease(demo_vm.ExportVm())
    lease.wait_ready(10)
    with pytest.warns(ResourceWarning, match="dropped while it was held"):
        del lease
        gc.collect()
    wait_for(lambda: endings(simulator), 5)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_dropped_lease_amid_a_transfer(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    """At once, without the collector: nothing that a lease holds holds the lease."""
    _, raw = slow_lease(simulator, service, 30)
    lease = open_lease(raw)
    disk = disk_of(lease)
    transfer = lease.start_download(disk, tmp_path / "disk")
    while not transfer.progress.bytes_done:
        time.sleep(0.01)
    gc.disable()
    try:
        with pytest.warns(ResourceWarning, match="dropped while it was held"):
            del lease, transfer
    finally:
        gc.enable()
    wait_for(lambda: endings(simulator) and not list(tmp_path.iterdir()), 5)


def test_a_block_that_is_left_before_the_lease_is_ready(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """The server would refuse Complete, and hold the lease when it is ready."""
    simulator.inject("init_forever", count=1)
    raw = demo_vm.ExportVm()
    with pytest.raises(nfclease.LeaseInitError, match="block was left before"), open_lease(raw):
        pass
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_script_that_waits_itself(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """Nobody has told the core that the lease is ready."""
    raw = demo_vm.ExportVm()
    with open_lease(raw, keep_alive=False):
        while raw.state != "ready":
            time.sleep(0.01)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_lease_that_is_wrapped_again(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As by a notebook's cell that is run twice: dropping the first must not abort the second."""
    raw = demo_vm.ExportVm()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lease = open_lease(raw, keep_alive_interval=0.1)
        lease.wait_ready(10)
        lease = open_lease(raw)
        gc.collect()
    with lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    time.sleep(0.3)  # a keep-alive of the first would find out
    assert raw.state == "done"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert caplog.records == []


def test_a_lost_answer_to_complete(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    simulator.inject("drop", method="HttpNfcLeaseComplete", count=1, after=True)
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert lease.state == "done"


def test_a_complete_that_fails(open_lease: OpenLease, demo_vm: Any, simulator: Simulator) -> None:
    simulator.inject(
        "soap_fault", method="HttpNfcLeaseComplete", fault="vmodl.fault.SystemError", message="no"
    )
    with (
        pytest.raises(nfclease.LeaseCompleteError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
    assert isinstance(raised.value.fault, vmodl.fault.SystemError)
    assert endings(simulator) == ["HttpNfcLeaseComplete", "HttpNfcLeaseAbort"]


def test_an_abort_that_fails_hides_nothing(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    simulator.inject("soap_fault", method="HttpNfcLeaseAbort", fault="vmodl.fault.SystemError")
    error = nfclease.NfcError("first")
    with pytest.raises(nfclease.NfcError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        raise error
    assert raised.value is error
    assert error.lease_outcome == "abort_failed"


def test_completed_by_someone_else(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    raw = demo_vm.ExportVm()
    with (
        pytest.raises(nfclease.LeaseLostError),
        open_lease(raw, keep_alive_interval=0.1) as lease,
    ):
        lease.wait_ready(10)
        raw.Complete()
        time.sleep(0.5)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_an_unseen_failure_stops_complete(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    with pytest.raises(nfclease.HttpStatusError), open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.start_download(disk, tmp_path / "disk")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_seen_failure_is_the_callers(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", disk="disk-1.vmdk", code=410, count=1)
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        with pytest.raises(nfclease.HttpStatusError):
            lease.download(disk, tmp_path / "disk")
        assert lease.download(disk, tmp_path / "disk").verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("how", ["alone", "daemon", "joined"])
def test_the_interpreters_exit_aborts(
    simulator: Simulator, service: Any, tmp_path: Path, how: str
) -> None:
    _, raw = slow_lease(simulator, service, 60)
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, EXIT_MIDWAY, how, *login(simulator), raw._moId, tmp_path / "disk"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert time.monotonic() - began < 10
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


TWICE = """
import ssl, sys, time
from nfclease import HttpNfcLease
from pyVim.connect import SmartConnect

host, port, user, password, ca_file, moid = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
with HttpNfcLease(moid, service._stub) as lease:
    lease.wait_ready(10)
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_second_ctrl_c_amid_the_abort(demo_vm: Any, simulator: Simulator) -> None:
    """The script ends at once, the process when the server has answered."""
    raw = demo_vm.ExportVm()
    simulator.inject("soap_delay", method="HttpNfcLeaseAbort", seconds=3)
    process = subprocess.Popen(
        [sys.executable, "-c", TWICE, *login(simulator), raw._moId],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    while not endings(simulator):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) != 0
    assert [lease["state"] for lease in simulator.leases() if lease["moid"] == raw._moId] == [
        "error"
    ]
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_result_that_is_there_needs_no_time(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-2.vmdk", after_bytes=4096)
    lease = open_lease(demo_vm.ExportVm())
    one, two = [url for url in lease.wait_ready(10).deviceUrl if url.disk][:2]
    ended, running = (
        lease.start_download(url, tmp_path / str(number)) for number, url in enumerate((one, two))
    )
    ended.result()
    for timeout in (0, 0.0, -1) * 20:
        assert ended.result(timeout).verified == "manifest"
    with pytest.raises(TimeoutError, match="not done after 0 s; it goes on"):
        running.result(0)
    lease.close()


def test_a_cancelled_transfer_is_no_failure(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    _, raw = slow_lease(simulator, service, 30)
    with open_lease(raw) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        transfer.cancel()
    assert transfer.done()
    with pytest.raises(nfclease.TransferCancelledError):
        transfer.result()
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_that_leaves_the_block(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """Its own exception comes out, not that the lease is the parent's."""
    child = -1
    try:
        with open_lease(demo_vm.ExportVm()) as lease:
            lease.wait_ready(10)
            child = os.fork()
            if child == 0:
                raise LookupError("the child's own")
    except BaseException as error:
        if child == 0:
            os._exit(7 if isinstance(error, LookupError) else 1)
        raise
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_leaves_the_lease_alone(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    _, raw = slow_lease(simulator, service, 1)
    with open_lease(raw) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        child = os.fork()
        if child == 0:
            try:
                refused = 0
                for use in (lambda: lease.Progress(1), lambda: transfer.result(1), lease.close):
                    try:
                        use()
                    except nfclease.ForkError:
                        refused += 1
                del lease, transfer
                gc.collect()
                os._exit(refused)
            finally:  # never on into the other tests
                os._exit(255)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        assert transfer.result().verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
