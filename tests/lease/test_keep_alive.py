"""The keep-alive: a lease lives through long transfers and a held GIL, and dies without it."""

from __future__ import annotations

import ctypes
import gc
import itertools
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import LeaseInitError, LeaseLostError, SessionExpiredError
from nfclease.simulator import Simulator

from ..support.clock import Stopwatch
from ..support.faces import OpenLease
from ..support.inventory import connected, find, unique
from ..support.leases import disk_of, endings
from ..support.resources import resources
from ..support.waiting import wait_for

LEASE_TIMEOUT = 3
DISK_SIZE = 3 << 20
SIMULATOR = {"disk_size": DISK_SIZE, "disks": 1, "lease_timeout": LEASE_TIMEOUT}


def progress_times(simulator: Simulator) -> list[float]:
    return [call["t"] for call in simulator.calls("HttpNfcLeaseProgress")]


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


@pytest.mark.timeout(60)
def test_a_lease_outlives_its_timeout(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 8)
    with open_lease(demo_vm.ExportVm()) as lease:
        result = lease.download(disk_of(lease), tmp_path / "disk")
    assert result.seconds > 2 * LEASE_TIMEOUT
    assert result.verified == "manifest"
    assert max(gaps(progress_times(simulator))) <= 2.0
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.timeout(60)
def test_a_held_gil_stops_nothing(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 7)
    with open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        held = threading.Thread(target=hold_the_gil, args=(2 * LEASE_TIMEOUT,))
        began = time.monotonic()
        held.start()
        held.join()
        assert time.monotonic() - began >= 2 * LEASE_TIMEOUT
        assert transfer.result().verified == "manifest"
    assert max(gaps(progress_times(simulator))) <= 2.0
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def hold_the_gil(seconds: int) -> None:
    """A C function called through PyDLL keeps the GIL, as a badly written extension does."""
    ctypes.PyDLL(None).sleep(seconds)


def test_without_it_the_lease_expires(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 15)
    with (
        pytest.raises(LeaseLostError) as raised,
        open_lease(demo_vm.ExportVm(), keep_alive=False) as lease,
    ):
        disk = disk_of(lease)
        ready = time.monotonic()
        lease.download(disk, tmp_path / "disk")
    assert time.monotonic() - ready < LEASE_TIMEOUT + 1.3
    assert progress_times(simulator) == []
    assert "Timedout" in str(raised.value)
    assert raised.value.lease_outcome == "lost"
    assert raised.value.lease_state == "ended by the server"
    assert endings(simulator) == []  # it is over: there is nothing to abort
    assert list(tmp_path.iterdir()) == []


def test_expiry_ends_a_transfer_at_once(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", after_bytes=DISK_SIZE // 2)
    with pytest.raises(LeaseLostError), open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        wait_for(lambda: transfer.progress.bytes_done)
        clock = Stopwatch(simulator.pid)
        simulator.expire()
        try:
            transfer.result()
        finally:
            assert clock.seconds() < 1.0
    assert list(tmp_path.iterdir()) == []


def test_one_failed_call_is_not_the_end(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("soap_status", method="HttpNfcLeaseProgress", count=1, code=503)
    simulator.inject("drop", method="HttpNfcLeaseProgress", count=1)
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 5)
    with open_lease(demo_vm.ExportVm()) as lease:
        assert lease.download(disk_of(lease), tmp_path / "disk").verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_dead_server_is_noticed_before_the_lease_expires(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", after_bytes=DISK_SIZE // 2)
    with pytest.raises(LeaseLostError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        simulator.inject("soap_status", method="HttpNfcLeaseProgress", code=502)
        lease.download(disk, tmp_path / "disk")
    assert "80 %" in str(raised.value)


def test_the_session_is_gone(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", after_bytes=DISK_SIZE // 2)
    fault = "vim.fault.NotAuthenticated"
    with pytest.raises(SessionExpiredError), open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        simulator.inject("soap_fault", method="HttpNfcLeaseProgress", fault=fault)
        lease.download(disk, tmp_path / "disk")


def test_error_while_initializing(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    simulator.inject("init_error", fault="vim.fault.FileNotFound", message="no such disk")
    with pytest.raises(LeaseInitError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
    assert "FileNotFound" in str(raised.value)
    assert "no such disk" in str(raised.value)
    assert isinstance(raised.value.fault, vim.fault.FileNotFound)
    assert endings(simulator) == []


@pytest.mark.parametrize("keep_alive", [True, False])
def test_stuck_while_initializing(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, keep_alive: bool
) -> None:
    simulator.inject("init_forever")
    lease = open_lease(demo_vm.ExportVm(), keep_alive=keep_alive)
    with pytest.raises(LeaseInitError), lease:
        lease.wait_ready(0.5)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("failure", ["soap_status", "drop"])
def test_a_state_that_cannot_be_read(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, failure: str
) -> None:
    simulator.inject(failure, method="RetrievePropertiesEx")
    with pytest.raises(LeaseInitError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(1)
    server = f"{simulator.host}:{simulator.port}"
    said = {
        "soap_status": ": HTTP status 503",
        "drop": f" at {server}: the connection broke before an answer",
    }
    assert f"cannot be read: RetrievePropertiesEx{said[failure]}" in str(raised.value)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.fixture
def patient(simulator: Simulator) -> Iterator[None]:
    """No lease expires because a busy machine was late."""
    simulator.set(lease_timeout=300)
    yield
    simulator.set(lease_timeout=LEASE_TIMEOUT)


@pytest.mark.usefixtures("patient")
@pytest.mark.timeout(60)
def test_twenty_leases_on_one_thread(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    names = [unique("vm") for _ in range(20)]
    for name in names:
        simulator.add_vm(name, disks=1, disk_size=DISK_SIZE // 8, nvram=False, iso=False)
    machines = [find(service, vim.VirtualMachine, name) for name in names]
    gc.collect()
    before = resources()
    leases = [open_lease(machine.ExportVm(), keep_alive_interval=0.5) for machine in machines]
    for lease in leases:
        lease.wait_ready(10)
    during, _ = resources()
    assert thread_names().count("nfclease-keep-a") == 1
    assert during - before[0] <= 12  # one keep-alive, the engine's few; not one for each lease

    def fewest_renewals() -> int:
        times = Counter(call["moid"] for call in simulator.calls("HttpNfcLeaseProgress"))
        return min(times[lease._moId] for lease in leases)

    wait_for(lambda: fewest_renewals() > 3, 40)
    assert [lease.state for lease in leases] == ["ready"] * 20
    for number, lease in enumerate(leases):
        with lease:
            directory = tmp_path / str(number)
            directory.mkdir()
            assert lease.download_all(directory)[0].verified == "manifest"
    leases.clear()
    del lease
    deadline = time.monotonic() + 20
    while grown(before) and time.monotonic() < deadline:
        gc.collect()  # a loop's futures and handles, and pyvmomi's connections, are cycles
        time.sleep(0.05)
    assert not grown(before)


def grown(before: tuple[int, list[str]]) -> list[str]:
    """What there is more of than before."""
    threads, descriptors = resources()
    if threads <= before[0] and len(descriptors) <= len(before[1]):
        return []
    return [f"{threads - before[0]} threads", *sorted(set(descriptors) - set(before[1]))]


def thread_names() -> list[str]:
    """Names of all native threads of this process, cut to 15 characters by the kernel."""
    if not sys.platform.startswith("linux"):
        pytest.skip("native thread names are read from /proc")
    return [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]


def test_a_second_session_sees_the_state(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        for other in connected(simulator):
            plain = vim.HttpNfcLease(lease._moId, other._stub)
            assert plain.state == lease.state == "ready"
            assert plain == getattr(lease, "lease", lease)  # the twin's own
