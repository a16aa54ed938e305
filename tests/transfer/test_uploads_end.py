"""How an upload ends: connections that die between two, answers that are early or lost."""

from __future__ import annotations

import io
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.front import OK, Front, Visit, answer
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings


def file_of(lease: Any) -> Any:
    """What is uploaded by PUT: the NVRAM."""
    return next(url for url in lease.wait_ready(10).deviceUrl if "nvram" in url.url)


def dies_when_it_is_used_again(visit: Visit) -> None:
    """What a host that closes 2 ms after its last answer does to whoever is as fast."""
    if visit.number:
        visit.reset()
        raise EOFError
    answer(visit)


@pytest.mark.parametrize("kind", ["post", "put of a file object", "put without repetitions"])
def test_what_cannot_be_repeated_goes_over_a_new_connection(
    open_lease: OpenLease, simulator: Simulator, raw: Any, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / ("disk-1.vmdk" if kind == "post" else "demo-vm.nvram")
    retries = 0 if "without" in kind else 2
    with (
        Front(dies_when_it_is_used_again) as front,
        open_lease(raw, require_uploads=False, allow_http=True, max_retries=retries) as lease,
    ):
        disk = front.device(disk_of(lease) if kind == "post" else file_of(lease))
        for _ in range(4):
            source = io.BytesIO(path.read_bytes()) if "object" in kind else path
            result = lease.upload(disk, source)
            assert (result.verified, result.attempts) == ("manifest", 1)
        assert [place for place, _ in front.visits] == [0, 1, 2, 3]
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_many_small_files_share_a_connection(
    open_lease: OpenLease, simulator: Simulator, raw: Any, tmp_path: Path
) -> None:
    with (
        Front(answer) as front,
        open_lease(raw, require_uploads=False, allow_http=True) as lease,
    ):
        disk = front.device(file_of(lease))
        for _ in range(5):
            lease.upload(disk, tmp_path / "demo-vm.nvram")
        assert front.visits == [(0, "PUT")] * 5


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_lost_answer_to_what_was_taken(
    open_lease: OpenLease,
    simulator: Simulator,
    raw: Any,
    tmp_path: Path,
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def loses(visit: Visit) -> None:
        visit.hand_on(visit.body())
        if how == "reset":
            visit.reset()
        raise EOFError

    with (
        Front(loses) as front,
        open_lease(raw, require_uploads=False, allow_http=True) as lease,
    ):
        result = lease.upload(front.device(disk_of(lease)), tmp_path / "disk-1.vmdk")
        assert (result.verified, result.attempts) == ("manifest", 1)
        assert len(front.visits) == 1
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert any("the manifest lists the whole file" in one.getMessage() for one in caplog.records)


def test_a_lost_answer_to_what_was_not_taken(
    open_lease: OpenLease, simulator: Simulator, raw: Any, tmp_path: Path
) -> None:
    def swallows(visit: Visit) -> None:
        visit.body()
        raise EOFError

    with (
        Front(swallows) as front,
        pytest.raises(nfclease.ConnectError) as caught,
        open_lease(raw, require_uploads=False, allow_http=True) as lease,
    ):
        lease.upload(front.device(disk_of(lease)), tmp_path / "disk-1.vmdk")
    assert (caught.value.phase, caught.value.attempts) == ("headers", 1)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


class Held(io.BytesIO):
    """Keeps its end until somebody lets it go."""

    def __init__(self, data: bytes, keeps: int) -> None:
        super().__init__(data)
        self.go = threading.Event()
        self._free = len(data) - keeps

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self._free:
            self.go.wait(60)
            return super().read(size)
        return super().read(min(size or 0, self._free - self.tell()))


@pytest.mark.parametrize("end", ["takes it", "drops it", "stops"])
def test_an_answer_before_the_last_piece(
    open_lease: OpenLease, simulator: Simulator, raw: Any, tmp_path: Path, end: str
) -> None:
    """The source's last piece comes after it: two who waited for that piece missed it for ever."""
    data = (tmp_path / "disk-1.vmdk").read_bytes()
    source = Held(data, keeps=1 << 18)
    stopped = threading.Event()

    def early(visit: Visit) -> None:
        visit.connection.sendall(OK)
        threading.Timer(0.3, source.go.set).start()
        if end == "stops":
            stopped.wait(60)
            return
        body = visit.body()
        if end == "takes it":
            visit.hand_on(body)
        visit.connection.recv(1)  # until the other end has seen enough
        raise EOFError

    def upload() -> nfclease.TransferResult:
        with open_lease(
            raw, require_uploads=False, allow_http=True, timeout=2.0, max_retries=0
        ) as lease:
            disk = front.device(disk_of(lease))
            result: nfclease.TransferResult = lease.upload(disk, source)
            return result

    with Front(early) as front:
        if end == "takes it":
            assert upload().verified == "manifest"
        else:
            with pytest.raises((nfclease.ProtocolError, nfclease.StallError)):
                upload()
        stopped.set()
    wanted = "HttpNfcLeaseComplete" if end == "takes it" else "HttpNfcLeaseAbort"
    assert endings(simulator) == [wanted]


def test_a_source_that_does_not_end(
    open_lease: OpenLease, simulator: Simulator, raw: Any, tmp_path: Path
) -> None:
    """All announced bytes are sent and taken; the object's next `read` does not come back."""
    source = Held((tmp_path / "disk-1.vmdk").read_bytes(), keeps=0)
    began = time.monotonic()
    with (
        pytest.raises(nfclease.StallError),
        open_lease(raw, require_uploads=False, timeout=1.0) as lease,
    ):
        lease.upload(disk_of(lease), source)
    source.go.set()
    assert time.monotonic() - began < 20
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_closed_port_is_no_body(open_lease: OpenLease, raw: Any, tmp_path: Path) -> None:
    with (
        pytest.raises(nfclease.ConnectError, match="cannot connect") as caught,
        open_lease(raw, require_uploads=False, allow_http=True, max_retries=1) as lease,
    ):
        with Front(answer) as front:
            disk = front.device(disk_of(lease))
        lease.upload(disk, tmp_path / "disk-1.vmdk")  # its port is closed by now
    assert (caught.value.phase, caught.value.attempts) == ("connect", 2)


def test_a_put_is_repeated_when_the_host_wishes(
    open_lease: OpenLease, simulator: Simulator, raw: Any, tmp_path: Path
) -> None:
    simulator.inject("status", method="PUT", code=503, headers={"Retry-After": "3"}, count=1)
    with open_lease(raw, require_uploads=False, max_retries=1) as lease:
        result = lease.upload(file_of(lease), tmp_path / "demo-vm.nvram")
    assert (result.verified, result.attempts) == ("manifest", 2)
    assert result.seconds >= 3.0


def sockets() -> dict[str, int]:
    """The open sockets of this process, by what no later one has."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the directory that was listed is closed by now
            found[os.readlink(f"/proc/self/fd/{name}")] = int(name)
    return {inode: number for inode, number in found.items() if inode.startswith("socket:")}


@pytest.mark.skipif(sys.platform != "linux", reason="not run: Linux only")
def test_no_timer_of_the_kernel_ends_a_connection(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """TCP_USER_TIMEOUT would end an upload whose host has closed its window, whatever `timeout`."""
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=DISK_SIZE // 2)
    options: list[tuple[int, ...]] = []
    asked = (socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    lease = open_lease(demo_vm.ExportVm())
    try:
        mine = sockets()
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        while not transfer.progress.bytes_done:
            time.sleep(0.01)
        for inode in sockets().keys() - mine.keys():
            with socket.socket(fileno=os.dup(sockets()[inode])) as copy:
                if copy.family != socket.AF_UNIX and copy.type == socket.SOCK_STREAM:
                    got = [copy.getsockopt(socket.IPPROTO_TCP, option) for option in asked]
                    options.append((*got, copy.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)))
    finally:
        lease.close()
    assert options
    assert set(options) == {(0, 20, 10, 4, 1)}
