"""One lease in many threads, many leases in a pool, forked and spawned children, the collector."""

from __future__ import annotations

import copy
import gc
import hashlib
import multiprocessing
import os
import pickle
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..support.clock import Stopwatch
from ..support.inventory import demo_vm_of
from ..support.leases import disk_of, endings
from ..support.waiting import wait_for

THREADS = 8


def test_one_lease_in_eight_threads(demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        disks = [url for url in lease.wait_ready(10).deviceUrl if url.disk]

        def work(number: int) -> nfclease.TransferResult:
            for _ in range(10):
                assert lease.state == "ready"
                lease.Progress(number)
            assert lease.info is not None
            result = lease.download(disks[number % len(disks)], tmp_path / str(number))
            assert len(lease.GetManifest()) >= 1
            return result

        with ThreadPoolExecutor(THREADS) as pool:
            results = list(pool.map(work, range(THREADS)))
    for number, result in enumerate(results):
        data = (tmp_path / str(number)).read_bytes()
        assert hashlib.sha1(data).hexdigest() == result.checksum
    # Of several downloads of one device the manifest tells about one.
    assert {result.verified for result in results} <= {"manifest", "stream"}
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_many_leases_in_a_pool(demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:

    def work(number: int) -> set[str]:
        directory = tmp_path / str(number)
        directory.mkdir()
        with HttpNfcLease(demo_vm.ExportVm()) as lease:
            lease.wait_ready(20)
            return {result.verified for result in lease.download_all(directory)}

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(work, range(16)))
    assert outcomes == [{"manifest"}] * 16
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 16


def session_in_a_child(where: dict[str, Any], directory: str) -> set[str]:
    """Logs in and exports, in a process of its own."""
    import ssl

    context = ssl.create_default_context(cafile=where["ca_file"])
    service = SmartConnect(
        host=where["host"],
        port=where["port"],
        user=where["user"],
        pwd=where["password"],
        sslContext=context,
    )
    try:
        with HttpNfcLease(demo_vm_of(service).ExportVm()) as lease:
            lease.wait_ready(10)
            return {result.verified for result in lease.download_all(directory)}
    finally:
        Disconnect(service)
        service._stub.DropConnections()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_children_that_export_themselves(
    simulator: Simulator, service: Any, tmp_path: Path, method: str
) -> None:
    """Forked after import, and after a use here, as prefork servers do; or spawned."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"not run: no {method} here")
    names = ("ca_file", "host", "port", "user", "password")
    where = {name: getattr(simulator, name) for name in names}
    directories = [tmp_path / str(number) for number in range(3)]
    for directory in directories:
        directory.mkdir()
    assert session_in_a_child(where, str(directories[0])) == {"manifest"}
    with multiprocessing.get_context(method).Pool(2) as pool:
        tasks = [(where, str(directory)) for directory in directories[1:]]
        assert pool.starmap(session_in_a_child, tasks) == [{"manifest"}] * 2
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_that_inherits_a_session(
    demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    """After a use of it here; a lease of the child's own, over connections of its own."""
    directories = [tmp_path / "parent", tmp_path / "child"]
    for directory in directories:
        directory.mkdir()
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(directories[0])
    raw = demo_vm.ExportVm()
    child = os.fork()
    if child == 0:
        try:
            service._stub.pool.clear()  # pyvmomi would share its sockets with the parent
            with HttpNfcLease(raw) as lease:
                lease.wait_ready(10)
                verified = {result.verified for result in lease.download_all(directories[1])}
            os._exit(0 if verified == {"manifest"} else 1)
        finally:  # never on into the other tests
            os._exit(255)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 2


@pytest.mark.usefixtures("only_new_garbage")
def test_a_drop_never_blocks(demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:
    """By ``del`` and by the collector, in the middle of stalled transfers."""
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    for collected in (False, True):
        lease = HttpNfcLease(demo_vm.ExportVm())
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / f"disk-{collected}")
        while not transfer.progress.bytes_done:
            time.sleep(0.01)
        cycle: list[Any] = [lease]
        if collected:
            cycle.append(cycle)
        del lease, transfer
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            clock = Stopwatch()
            del cycle
            gc.collect()
            assert clock.seconds() < 0.5
    aborted = ["HttpNfcLeaseAbort"] * 2
    wait_for(lambda: endings(simulator) == aborted and not list(tmp_path.iterdir()), 15)


def test_what_pickles_and_what_does_not(demo_vm: Any, tmp_path: Path) -> None:
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        result = transfer.result()
        assert pickle.loads(pickle.dumps(result)) == result
        assert pickle.loads(pickle.dumps(transfer.progress)) == transfer.progress
        with pytest.raises(pickle.PicklingError, match=r"HttpNfcLease\(moId, stub\)"):
            pickle.dumps(lease)
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(transfer)
        assert copy.copy(lease) is lease
        with pytest.raises(FileExistsError) as caught:
            lease.download(disk, tmp_path / "disk")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.errno) == (FileExistsError, caught.value.errno)


def test_a_callback_from_another_thread_can_cancel(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        threading.Timer(0.3, transfer.cancel).start()
        with pytest.raises(nfclease.TransferCancelledError):
            transfer.result(timeout=20)
    assert sys.getrefcount(lease) < 10
    assert list(tmp_path.iterdir()) == []
