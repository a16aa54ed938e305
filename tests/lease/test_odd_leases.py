"""Leases that are not what the script thinks: gone, another's, empty, ambiguous. Never a hang."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import connected, find
from ..support.leases import endings


@pytest.fixture
def other(simulator: Simulator) -> Iterator[Any]:
    """A second session."""
    yield from connected(simulator)


def export(service: Any, name: str = "demo-vm") -> Any:
    return find(service, vim.VirtualMachine, name).ExportVm()


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_moid_that_does_not_exist(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path, keep_alive: bool
) -> None:
    started = time.monotonic()
    lease = open_lease("session[1]gone", service._stub, keep_alive=keep_alive)
    with pytest.raises(nfclease.LeaseError) as caught, lease:
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            _ = lease.state
        lease.wait_ready(30)
    assert time.monotonic() - started < 10
    assert isinstance(caught.value.fault, vmodl.fault.ManagedObjectNotFound)
    assert endings(simulator) == []


def test_a_session_that_is_logged_out(
    open_lease: OpenLease, simulator: Simulator, service: Any
) -> None:
    lease = export(service)
    service.content.sessionManager.Logout()
    started = time.monotonic()
    ours = open_lease(lease)
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = ours.info
    with pytest.raises(nfclease.SessionExpiredError) as caught:
        ours.wait_ready(30)
    assert time.monotonic() - started < 10
    assert isinstance(caught.value.fault, vim.fault.NotAuthenticated)
    ours.close()
    simulator.expire(lease._moId)


def test_a_lease_of_another_session(
    open_lease: OpenLease, simulator: Simulator, service: Any, other: Any, tmp_path: Path
) -> None:
    """Whoever may see the lease may use it: it is the server that judges."""
    lease = export(service)
    with open_lease(lease._moId, other._stub) as ours:
        ours.wait_ready(10)
        results = ours.download_all(tmp_path)
    assert {result.verified for result in results} == {"manifest"}
    assert lease.state == "done"


def test_no_device_at_all(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    name = f"empty-{time.monotonic_ns()}"
    simulator.add_vm(name, disks=0, nvram=False)
    with open_lease(export(service, name)) as lease:
        assert lease.wait_ready(10).deviceUrl == []
        assert lease.download_all(tmp_path) == []
        item = vim.OvfManager.FileItem(deviceId="/x", path="x", create=False)
        with pytest.raises(ValueError, match="no device of this lease"):
            lease.upload(item, b"x")
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_devices_of_one_key(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    simulator.inject("device_url", disk=".vmdk", key="/vm-1/same:0", import_key="/same:0")
    lease = open_lease(export(service))
    with pytest.raises(nfclease.ProtocolError, match="'/vm-1/same:0'"), lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert simulator.requests() == []
    assert list(tmp_path.iterdir()) == []


def test_devices_of_one_import_key(
    open_lease: OpenLease, simulator: Simulator, service: Any
) -> None:
    simulator.inject("device_url", disk=".vmdk", import_key="/same:0")
    lease = open_lease(export(service))
    with pytest.raises(nfclease.ProtocolError, match="pass the DeviceUrl"), lease:
        lease.wait_ready(10)
        lease.upload(vim.OvfManager.FileItem(deviceId="/same:0", path="x"), b"x")
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("moid", ["", "x" * 100_000, "session[1]\n", "\x00"])
def test_a_reference_that_is_none(open_lease: OpenLease, service: Any, moid: str) -> None:
    ours = open_lease(moid, service._stub, keep_alive=False)
    with pytest.raises(vmodl.MethodFault):
        _ = ours.state
    ours.close()


def test_arguments_that_exclude_each_other(
    open_lease: OpenLease, simulator: Simulator, service: Any
) -> None:
    with pytest.raises(TypeError, match="go with a moId"):
        open_lease(export(service), service._stub)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
