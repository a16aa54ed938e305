"""The ways out of a lease: exceptions, close, dropped objects, a Complete that is lost or fails."""

from __future__ import annotations

import gc
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import disk_of, endings, slow_lease
from ..support.waiting import wait_for


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
    raw = slow_lease(simulator, service, 30)
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
    raw = slow_lease(simulator, service, 30)
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
    early = r"completed before it was ready; call wait_ready\(\) in the block"
    with pytest.raises(nfclease.LeaseInitError, match=early), open_lease(raw):
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
    [note] = vars(error)["__notes__"]
    assert lease._moId in note
    assert "until its leaseTimeout has passed" in note


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
        wait_for(lambda: lease._nfc_core.phase() == "ended by the server")
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
    raw = slow_lease(simulator, service, 30)
    with open_lease(raw) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        transfer.cancel()
    assert transfer.done()
    with pytest.raises(nfclease.TransferCancelledError):
        transfer.result()
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert list(tmp_path.iterdir()) == []


def test_an_abort_has_no_cause_that_nobody_knows(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    lease = open_lease(demo_vm.ExportVm())
    unknown: Any = "weather"
    with pytest.raises(ValueError, match="weather"):
        lease._nfc_shared.native.abort("enough", unknown)
    assert endings(simulator) == []
    lease.close()
