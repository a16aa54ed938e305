"""Nonsense from callers and servers: a clear error, early where possible."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import disk_of, endings


@pytest.mark.parametrize(
    "value", [None, "lease-1", 7, SimpleNamespace(_moId="lease-1", _stub=None), object]
)
def test_no_lease(open_lease: OpenLease, value: Any) -> None:
    with pytest.raises(TypeError, match=r"vim\.HttpNfcLease"):
        open_lease(value)


def test_a_lease_without_session(open_lease: OpenLease) -> None:
    with pytest.raises(TypeError, match="no session"):
        open_lease(vim.HttpNfcLease("lease-1", None))


def test_the_service_instance_for_its_stub(open_lease: OpenLease, service: Any) -> None:
    with pytest.raises(TypeError, match=r"service_instance\._stub"):
        open_lease("session[1]lease-1", service)


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("max_concurrency", 0, ValueError),
        ("max_concurrency", "4", TypeError),
        ("max_retries", -1, ValueError),
        ("retry_timeout", -1.0, ValueError),
        ("timeout", 0.0, ValueError),
        ("timeout", float("nan"), ValueError),
        ("timeout", None, TypeError),
        ("retry_timeout", "5", TypeError),
        ("keep_alive_interval", "5", TypeError),
        ("keep_alive", "no", TypeError),
        ("checksum_type", 256, TypeError),
        ("keep_alive_interval", -3.0, ValueError),
        ("checksum_type", "md5", ValueError),
        ("no_such_option", 1, TypeError),
    ],
)
def test_options_out_of_range(
    open_lease: OpenLease, demo_vm: Any, option: str, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=option):
        open_lease(demo_vm.ExportVm(), **{option: value})


@pytest.mark.parametrize("device", [None, "disk-0.vmdk", SimpleNamespace(url="https://x/")])
def test_no_device_url(lease: Any, device: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="DeviceUrl"):
        lease.download(device, tmp_path / "x")
    with pytest.raises(TypeError, match="FileItem"):
        lease.upload(device, b"")


def test_a_file_item_of_another_import(lease: Any) -> None:
    item = vim.OvfManager.FileItem(deviceId="/other/disk:0", path="x", cimType=17, create=False)
    with pytest.raises(ValueError, match="importKey"):
        lease.upload(item, b"")


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/x", "a\\b", "..", "CON", "x" * 5000, "disk-2.vmdk", "DISK-2.VMDK", ".x"],
)
def test_unsafe_target_ids(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, name: str
) -> None:
    simulator.inject("target_id", disk="disk-1.vmdk", value=name)
    with pytest.raises(nfclease.UnsafePathError), open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert simulator.requests() == []
    assert list(tmp_path.iterdir()) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("name", ["a\0b", "", "nul.txt", "a\nb"])
def test_names_that_xml_cannot_carry(name: str) -> None:
    from nfclease import _core

    with pytest.raises(nfclease.UnsafePathError):
        _core.safe_names([name])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", nfclease.ProtocolError),
        ("<a>" * 100_000, nfclease.LimitExceededError),
        ("no XML", nfclease.ProtocolError),
        ("x" * (17 << 20), nfclease.LimitExceededError),
    ],
    ids=["doctype", "depth", "text", "size"],
)
def test_hostile_answers(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    body: str,
    error: type[Exception],
) -> None:
    with pytest.raises(error), open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        simulator.inject("raw_reply", method="HttpNfcLeaseGetManifest", count=1, body=body)
        lease.download(disk, tmp_path / "disk")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []
