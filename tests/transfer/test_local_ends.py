"""Odd, busy or replaced files and file objects: no wrong file, no engine that stands still."""

from __future__ import annotations

import hashlib
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.file_objects import Stuck
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings
from ..support.waiting import wait_for

needs_fifo = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not run: no FIFO here")


def moving(transfer: Any) -> Any:
    wait_for(lambda: transfer.progress.bytes_done, 10)
    return transfer


@needs_fifo
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_target_that_is_no_file(
    simulator: Simulator, lease: Any, tmp_path: Path, overwrite: bool
) -> None:
    """A FIFO or a device keeps its place: it is not replaced by a file, nor written to."""
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="fifo"):
        lease.download(disk_of(lease), tmp_path / "fifo", overwrite=overwrite)
    assert (tmp_path / "fifo").is_fifo()
    assert os.listdir(tmp_path) == ["fifo"]
    assert simulator.requests() == []


@needs_fifo
def test_a_source_that_has_no_writer(lease: Any, tmp_path: Path) -> None:
    """Opening a FIFO waits for its writer, which may never come."""
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="not a regular file"):
        lease.upload(disk_of(lease), tmp_path / "fifo")


@pytest.mark.skipif(os.name == "nt", reason="not run: an open file keeps its name there")
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_partial_file_that_someone_touches(
    simulator: Simulator, lease: Any, tmp_path: Path, how: str
) -> None:
    """What has the name now is not what was verified, and not ours to remove."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    transfer = moving(lease.start_download(disk_of(lease), tmp_path / "disk"))
    part = tmp_path / "disk.part"
    part.unlink()
    if how == "replaced":
        part.write_bytes(b"somebody else's")
    with pytest.raises(FileNotFoundError, match=r"disk\.part"):
        transfer.result()
    if how == "replaced":
        assert part.read_bytes() == b"somebody else's"
    assert os.listdir(tmp_path) == (["disk.part"] if how == "replaced" else [])


def test_one_file_object_for_two_transfers(simulator: Simulator, lease: Any) -> None:
    """Their bytes would mix, and each would be verified."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    target = io.BytesIO()
    first, second = [url for url in lease.info.deviceUrl if url.disk][:2]
    transfer = lease.start_download(first, target)
    with pytest.raises(ValueError, match=r"belongs to the running transfer of disk-1\.vmdk"):
        lease.start_download(second, target)
    result = transfer.result()
    assert hashlib.sha1(target.getvalue()).hexdigest() == result.checksum
    target.seek(0)
    again = lease.download(second, target)  # the first has ended
    assert hashlib.sha1(target.getvalue()[: again.bytes]).hexdigest() == again.checksum


class WouldBlock(io.RawIOBase):
    """A raw file that is not ready, as a non-blocking pipe."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> None:
        return None


def test_a_raw_file_that_would_block(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """None is how it says that nothing was written; that must not count as all."""
    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(BlockingIOError, match="would block"), lease:
        lease.wait_ready(10)
        lease.download(disk_of(lease), WouldBlock())
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


class Silent:
    """A writer of somebody's own, which returns nothing and wrote all."""

    def __init__(self) -> None:
        self.digest = hashlib.sha1()

    def write(self, data: bytes) -> None:
        self.digest.update(data)


def test_a_writer_that_returns_nothing(lease: Any) -> None:
    target = Silent()
    result = lease.download(disk_of(lease), target)
    assert target.digest.hexdigest() == result.checksum


def test_pipes_that_nobody_reads_yet(lease: Any, tmp_path: Path) -> None:
    """They hold their own transfers, as many as the engine has threads, and no other."""
    disks = [url for url in lease.info.deviceUrl if url.disk]
    pipes = [os.pipe() for _ in range(2)]
    writers = [os.fdopen(there, "wb", buffering=0) for _, there in pipes]
    held = [
        lease.start_download(disk, writer) for disk, writer in zip(disks, writers, strict=False)
    ]
    time.sleep(0.5)  # both stand in write()
    assert lease.download(disks[2], tmp_path / "disk").verified == "manifest"
    assert not any(transfer.done() for transfer in held)

    def drain(descriptor: int) -> str:
        with os.fdopen(descriptor, "rb") as reader:
            return hashlib.sha1(reader.read()).hexdigest()

    with ThreadPoolExecutor(2) as pool:
        sums = [pool.submit(drain, here) for here, _ in pipes]
        results = [transfer.result() for transfer in held]
        for writer in writers:
            writer.close()
        assert [done.result() for done in sums] == [result.checksum for result in results]


def test_a_write_that_does_not_come_back(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """The Abort does not wait for it longer than the ten seconds of all clean-up."""
    target, error = Stuck(), LookupError("mine")
    began = 0.0

    def fail(snapshot: nfclease.TransferProgress) -> None:
        nonlocal began
        if snapshot.bytes_done:
            assert target.reached.wait(20), "bytes wait for a thread that writes them"
            began = time.monotonic()
            raise error

    lease = open_lease(demo_vm.ExportVm())
    try:
        with pytest.raises(LookupError) as caught, lease:
            lease.wait_ready(10)
            lease.download(disk_of(lease), target, progress=fail)
        assert time.monotonic() - began < 10
        assert caught.value is error
        assert endings(simulator) == ["HttpNfcLeaseAbort"]
    finally:
        target.goes_on.set()


class Exhausted(io.BytesIO):
    def write(self, data: Any) -> int:
        raise StopIteration("no more")


def test_a_stop_iteration_of_a_file_object(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """No future of asyncio takes one, and no coroutine lets one pass: it would wait for ever."""
    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(RuntimeError, match="StopIteration") as caught, lease:
        lease.wait_ready(10)
        lease.download(disk_of(lease), Exhausted())
    assert isinstance(caught.value.__cause__, StopIteration)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
