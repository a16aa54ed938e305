"""Whom the data connection believes: the lease's pin in every dress, else the session's trust."""

from __future__ import annotations

import hashlib
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import connected, demo_vm_of
from ..support.leases import disk_of, endings


def certificate(simulator: Simulator) -> bytes:
    pem = ssl.get_server_certificate((simulator.disk_host, simulator.disk_port))
    return ssl.PEM_cert_to_DER_cert(pem)


def export_disk(open_lease: OpenLease, service: Any, directory: Path) -> nfclease.TransferResult:
    vm = demo_vm_of(service)
    with open_lease(vm.ExportVm(), max_retries=0) as lease:
        disk = disk_of(lease)
        result: nfclease.TransferResult = lease.download(disk, directory / "disk")
    return result


@pytest.mark.parametrize(
    "thumbprint",
    [
        pytest.param(lambda der: hashlib.sha1(der).hexdigest(), id="sha1 lower"),
        pytest.param(lambda der: hashlib.sha256(der).hexdigest().upper(), id="sha256 upper"),
        pytest.param(lambda der: hashlib.sha512(der).hexdigest(), id="sha512"),
        pytest.param(lambda der: hashlib.sha256(der).digest().hex(":"), id="sha256 colons"),
    ],
)
def test_a_thumbprint_in_any_dress(
    open_lease: OpenLease,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    thumbprint: Callable[[bytes], str],
) -> None:
    simulator.inject("device_url", ssl_thumbprint=thumbprint(certificate(simulator)))
    assert export_disk(open_lease, service, tmp_path).verified == "manifest"


@pytest.mark.parametrize(
    ("thumbprint", "error"),
    [
        pytest.param("ab:" * 19 + "ab", nfclease.ThumbprintMismatchError, id="another"),
        pytest.param("ab" * 32, nfclease.ThumbprintMismatchError, id="another sha256"),
        pytest.param("no thumbprint", nfclease.ProtocolError, id="garbage"),
        pytest.param("abcd", nfclease.ProtocolError, id="too short"),
        # Empty means none: then the session's CA decides, which did not sign the host's.
        pytest.param("", nfclease.TlsError, id="empty"),
    ],
)
def test_a_thumbprint_that_does_not_fit(
    open_lease: OpenLease,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    thumbprint: str,
    error: type[Exception],
) -> None:
    simulator.inject("device_url", ssl_thumbprint=thumbprint)
    with pytest.raises(error):
        export_disk(open_lease, service, tmp_path)
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def newest() -> Iterator[Simulator]:
    with Simulator(api_version="9.0.0.0", disk_size="1m", disks=1) as simulator:
        yield simulator


def test_a_certificate_of_vsphere_9(
    open_lease: OpenLease, newest: Simulator, tmp_path: Path
) -> None:
    newest.reset()
    newest.inject("device_url", ssl_thumbprint="")  # the certificate alone has to do
    for service in connected(newest):
        vm = demo_vm_of(service)
        with open_lease(vm.ExportVm()) as lease:
            disk = disk_of(lease)
            assert disk.sslCertificate.startswith("-----BEGIN CERTIFICATE-----")
            assert lease.download(disk, tmp_path / "disk").verified == "manifest"


def test_another_certificate_than_that_of_vsphere_9(
    open_lease: OpenLease, newest: Simulator, tmp_path: Path
) -> None:
    newest.reset()
    newest.inject("wrong_certificate", listener="host")
    for service in connected(newest):
        with pytest.raises(nfclease.ThumbprintMismatchError):
            export_disk(open_lease, service, tmp_path)
    assert newest.requests() == []


def test_an_unverified_session_is_told_once(
    open_lease: OpenLease, simulator: Simulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "nfclease")
    service = simulator.connect(sslContext=ssl._create_unverified_context())
    try:
        for name in ("first", "second"):
            directory = tmp_path / name
            directory.mkdir()
            assert export_disk(open_lease, service, directory).verified == "manifest"
    finally:
        Disconnect(service)
        service._stub.DropConnections()
    told = [r for r in caplog.records if "does not verify" in r.getMessage()]
    assert len(told) == 1


def test_a_thumbprint_session(open_lease: OpenLease, simulator: Simulator, tmp_path: Path) -> None:
    context = ssl._create_unverified_context()
    service = simulator.connect(sslContext=context, thumbprint=simulator.thumbprint_sha256)
    try:
        assert export_disk(open_lease, service, tmp_path).verified == "manifest"
    finally:
        Disconnect(service)
        service._stub.DropConnections()


def test_a_session_whose_ca_is_another(
    open_lease: OpenLease, simulator: Simulator, newest: Simulator
) -> None:
    """What the session would refuse, the core refuses too: trust is read, not assumed."""
    service = simulator.connect()
    vm = demo_vm_of(service)
    raw = vm.ExportVm()
    raw._stub.schemeArgs["context"] = newest.ssl_context()
    try:
        lease = open_lease(raw, keep_alive=False)
        with pytest.raises(nfclease.TlsError, match="certificate"):
            _ = lease.state
        lease.close()
    finally:
        raw.Abort()
        Disconnect(service)
        service._stub.DropConnections()


def test_a_single_host_with_star_urls(open_lease: OpenLease, tmp_path: Path) -> None:
    with Simulator(esx=True, disk_size="1m", disks=1) as host:
        for service in connected(host):
            vm = demo_vm_of(service)
            with open_lease(vm.ExportVm()) as lease:
                urls = lease.wait_ready(10).deviceUrl
                assert all("//*" in url.url for url in urls)
                assert {r.verified for r in lease.download_all(tmp_path)} == {"manifest"}
