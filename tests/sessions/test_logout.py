"""Leases and the end of their session: they are aborted before it goes, or it is said loudly."""

from __future__ import annotations

import contextlib
import gc
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import demo_vm_of
from ..support.leases import disk_of, endings
from ..support.smoke import login


@pytest.fixture
def session(simulator: Simulator) -> Iterator[Any]:
    """A session that the test ends itself."""
    service = simulator.connect()
    yield service
    service._stub.DropConnections()


def log_out_elsewhere(simulator: Simulator, session: Any) -> None:
    """Over a stub that nfclease has never seen, as another process with the same cookie does."""
    other: Any = simulator.connect()
    spent, other._stub.cookie = other._stub.cookie, session._stub.cookie
    other.content.sessionManager.Logout()
    other._stub.cookie = spent
    other.content.sessionManager.Logout()
    other._stub.DropConnections()


def test_disconnect_ends_the_leases_of_its_session(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    session: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    leases = [open_lease(demo_vm_of(session).ExportVm()) for _ in range(3)]
    with open_lease(demo_vm.ExportVm()) as other:
        for lease in leases:
            lease.wait_ready(10)
        with caplog.at_level(logging.WARNING, "nfclease"):
            Disconnect(session)
        assert endings(simulator) == ["HttpNfcLeaseAbort"] * 3
        told = " ".join(record.getMessage() for record in caplog.records)
        assert all(lease._moId in told for lease in leases)
        assert other.wait_ready(10)  # another session's is not touched
    order = [call["method"] for call in simulator.calls()]
    assert order.index("Logout") > max(
        place for place, name in enumerate(order) if name == "HttpNfcLeaseAbort"
    )
    assert endings(simulator)[3:] == ["HttpNfcLeaseComplete"]


def test_a_lease_that_is_dropped_after_disconnect(
    open_lease: OpenLease, simulator: Simulator, session: Any
) -> None:
    lease = open_lease(demo_vm_of(session).ExportVm())
    lease.wait_ready(10)
    Disconnect(session)
    del lease
    gc.collect()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_logout_in_the_block_is_no_success(
    open_lease: OpenLease, simulator: Simulator, session: Any, tmp_path: Path
) -> None:
    """The files are there, but nothing was completed: for an import nothing is left."""
    with (
        pytest.raises(nfclease.SessionExpiredError) as raised,
        open_lease(demo_vm_of(session).ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        lease.download_all(tmp_path)
        Disconnect(session)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert raised.value.lease_state == "aborted"


@pytest.mark.parametrize("use", ["download_all", "download", "wait_ready"])
@pytest.mark.parametrize("how", [Disconnect, None])
def test_what_is_used_after_a_logout(
    open_lease: OpenLease, simulator: Simulator, session: Any, tmp_path: Path, use: str, how: Any
) -> None:
    with (
        contextlib.suppress(nfclease.SessionExpiredError),
        open_lease(demo_vm_of(session).ExportVm()) as lease,
    ):
        disk = disk_of(lease)
        arguments = {
            "download_all": (tmp_path,),
            "download": (disk, tmp_path / "disk"),
            "wait_ready": (10,),
        }
        if how is None:
            log_out_elsewhere(simulator, session)
        else:
            how(session)
        with pytest.raises(nfclease.SessionExpiredError, match="log in again"):
            getattr(lease, use)(*arguments[use])
    assert list(tmp_path.iterdir()) == []


def test_too_late_is_said(
    open_lease: OpenLease, simulator: Simulator, session: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lease = open_lease(demo_vm_of(session).ExportVm(), keep_alive=False)
    lease.wait_ready(10)
    log_out_elsewhere(simulator, session)
    with caplog.at_level(logging.ERROR, "nfclease"):
        lease.close()
    [told] = [record.getMessage() for record in caplog.records]
    assert lease._moId in told
    assert "the server holds it until its leaseTimeout" in told


SCRIPT = """
import atexit, ssl, sys
{first}
from pyVim.connect import Disconnect, SmartConnect

how, moid, host, port, user, password, ca_file = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
if how == "before":
    atexit.register(Disconnect, service)
from nfclease import AsyncHttpNfcLease, HttpNfcLease
lease = {face}(moid, service._stub)
if how == "after":
    atexit.register(Disconnect, service)
if how == "dropped":
    Disconnect(service)
    del lease
if how == "elsewhere":
    input()
"""


def script(simulator: Simulator, face: str, how: str, raw: Any, first: str) -> list[str]:
    made = {"blocking": "HttpNfcLease", "asyncio": "AsyncHttpNfcLease"}[face]
    code = SCRIPT.format(face=made, first=first)
    return [sys.executable, "-c", code, how, raw._moId, *login(simulator)]


@pytest.mark.parametrize("how", ["before", "after", "dropped", "never"])
@pytest.mark.parametrize("first", ["", "import nfclease"])
def test_the_exit_with_a_disconnect(
    demo_vm: Any, simulator: Simulator, face: str, how: str, first: str
) -> None:
    raw = demo_vm.ExportVm()
    began = simulator.calls("Logout")
    command = script(simulator, face, how, raw, first)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    [state] = [lease["state"] for lease in simulator.leases() if lease["moid"] == raw._moId]
    assert state == "error"
    assert len(simulator.calls("Logout")) - len(began) == (how != "never")


def test_the_exit_of_a_session_that_is_gone(demo_vm: Any, simulator: Simulator, face: str) -> None:
    """Nothing is logged without a configuration; the standard error has it all the same."""
    raw = demo_vm.ExportVm()
    simulator.inject("soap_fault", method="HttpNfcLeaseAbort", fault="vim.fault.NotAuthenticated")
    command = script(simulator, face, "never", raw, "")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "RuntimeWarning" in done.stderr
    assert raw._moId in done.stderr
    assert "the server holds it until its leaseTimeout" in done.stderr


def test_detach_leaves_the_lease_to_somebody_else(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.download_all(tmp_path)
        plain = lease.detach()
        assert type(plain) is vim.HttpNfcLease
        with pytest.raises(nfclease.LeaseStateError, match="handed on"):
            lease.download(disk, tmp_path / "again")
    del lease
    gc.collect()
    assert endings(simulator) == []
    with open_lease(plain._moId, service._stub) as taken:
        assert taken.state == "ready"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_detached_lease_is_not_renewed(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    lease = open_lease(demo_vm.ExportVm(), keep_alive_interval=0.05)
    lease.wait_ready(10)
    plain = lease.detach()
    renewed = len(simulator.calls("HttpNfcLeaseProgress"))
    for _ in range(20):
        assert plain.state == "ready"
    assert len(simulator.calls("HttpNfcLeaseProgress")) == renewed
    with pytest.raises(LookupError), lease:
        raise LookupError
    lease.close()
    assert endings(simulator) == []
    plain.Abort(None)


def test_detach_amid_a_transfer_is_refused(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=4096)
    with pytest.raises(LookupError), open_lease(demo_vm.ExportVm()) as lease:
        lease.start_download(disk_of(lease), tmp_path / "disk")
        with pytest.raises(nfclease.LeaseStateError, match="still runs"):
            lease.detach()
        raise LookupError
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_detach_tells_of_a_failure_that_nobody_read(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    with pytest.raises(nfclease.HttpStatusError), open_lease(demo_vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        while not transfer.done():
            pass
        lease.detach()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_completed_lease_cannot_be_detached(open_lease: OpenLease, demo_vm: Any) -> None:
    lease = open_lease(demo_vm.ExportVm())
    lease.wait_ready(10)
    lease.Complete()
    with pytest.raises(nfclease.LeaseStateError, match="completed"):
        lease.detach()


DETACHED = (
    SCRIPT
    + """
lease.detach()
print("ready")
input()
"""
)


def test_the_exit_leaves_a_detached_lease(demo_vm: Any, simulator: Simulator) -> None:
    raw = demo_vm.ExportVm()
    while raw.state != "ready":
        pass
    code = DETACHED.format(face="HttpNfcLease", first="")
    command = [sys.executable, "-c", code, "after", raw._moId, *login(simulator)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, input="\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert endings(simulator) == []
    raw.Abort()
