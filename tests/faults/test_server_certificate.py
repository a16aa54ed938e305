"""Rubbish in a device's ``sslCertificate``: no bytes go to a host that nothing vouches for."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

from ..support.certificates import NAMES, authority, issue
from ..support.faces import OpenLease
from ..support.inventory import connected, demo_vm_of
from ..support.leases import disk_of, endings
from ..support.records import lines
from ..support.server_text import FORGED, OBEYED, is_a_line

pytestmark = pytest.mark.skipif(
    not hasattr(vim.HttpNfcLease.DeviceUrl(), "sslCertificate"),
    reason="not run: this pyvmomi is older than sslCertificate",
)
SECRET = "c2VjcmV0LW9mLXRoZS1ob3N0"
#: The longest text of a server that is read at all.
MIB = 1 << 20


def pem(content: str, label: str = "CERTIFICATE") -> str:
    return f"-----BEGIN {label}-----\n{content}\n-----END {label}-----\n"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


WHOLE = issue("esx", names=NAMES)
NO_CERTIFICATE = {
    "text": f"no certificate {SECRET}",
    "base64 alone": encoded(WHOLE.der),
    "a thumbprint": "AB:" * 19 + "AB",
    "rubbish in it": pem(f"!{SECRET}!"),
    "half a base64": pem(encoded(WHOLE.der)[:-3]),
    "no end": pem(encoded(WHOLE.der)).partition("-----END")[0],
    "no beginning": pem(encoded(WHOLE.der)).rpartition("BEGIN CERTIFICATE-----")[2],
    "a key": pem(SECRET, "PRIVATE KEY"),
    "rubbish after it": WHOLE.pem + pem(f"?{SECRET}?"),
    "long": "x" * MIB,
    "long PEM": pem("?" * (MIB - 100)),
    "forged": FORGED * 1000,
    "forged PEM": pem(FORGED * 1000),
    "forged label": pem(SECRET, FORGED),
}
ANOTHER = {
    "nothing": pem(""),
    "not DER": pem(encoded(b"rubbish")),
    "DER of nothing": pem(encoded(bytes.fromhex("3000"))),
    "DER that says it is longer": pem(encoded(bytes.fromhex("3084ffffffff00"))),
    "half of one": pem(encoded(WHOLE.der[: len(WHOLE.der) // 2])),
    "one of somebody else": WHOLE.pem,
    "a CA's": authority("esx").pem,
    "long": pem(encoded(b"\x30" * (MIB // 4 * 3 - 100))),
    "many": pem(encoded(b"rubbish")) * 10_000,
}


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    """Of the release that gives certificates."""
    with Simulator(api_version="9.0.0.0", disk_size="1m", disks=1, initializing=0.05) as simulator:
        yield simulator


def failure(
    open_lease: OpenLease, simulator: Simulator, folder: Path, value: str
) -> nfclease.NfcError:
    """What a download says of this certificate; the right thumbprint beside it does not help."""
    simulator.inject("device_url", disk="disk-1.vmdk", ssl_certificate=value)
    for service in connected(simulator):
        with (
            pytest.raises(nfclease.NfcError) as raised,
            open_lease(demo_vm_of(service).ExportVm(), max_retries=0) as lease,
        ):
            disk = disk_of(lease)
            assert disk.sslThumbprint == simulator.disk_thumbprint_sha1
            ticket = urlsplit(disk.url).path.split("/")[-2]
            lease.download(disk, folder / "disk")
        shown = "".join(traceback.TracebackException.from_exception(raised.value).format())
        for secret in (ticket, SECRET, service._stub.cookie.partition('"')[2][:30]):
            assert len(secret) > 10
            assert secret not in shown
    assert not OBEYED.search(shown.replace("\n", ""))
    assert f"disk-1.vmdk at {simulator.disk_host}:{simulator.disk_port}" in str(raised.value)
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(folder.iterdir()) == []
    return raised.value


@pytest.mark.parametrize("value", list(NO_CERTIFICATE.values()), ids=list(NO_CERTIFICATE))
def test_what_is_no_certificate(
    open_lease: OpenLease,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    value: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    error = failure(open_lease, simulator, tmp_path, value)
    assert type(error) is nfclease.ProtocolError
    assert is_a_line(str(error), 400)
    assert "its sslCertificate cannot be used: " in str(error)
    assert "is not a PEM certificate" in str(error)
    assert all(is_a_line(said) for said in lines(caplog))


@pytest.mark.parametrize("value", list(ANOTHER.values()), ids=list(ANOTHER))
def test_what_is_not_the_hosts(
    open_lease: OpenLease, simulator: Simulator, tmp_path: Path, value: str
) -> None:
    """Whether it is a certificate at all does not matter: it is compared, byte by byte."""
    error = failure(open_lease, simulator, tmp_path, value)
    assert isinstance(error, nfclease.ThumbprintMismatchError)
    assert is_a_line(str(error), 800)


@pytest.mark.parametrize("value", ["", " \r\n\t\n"], ids=["empty", "space"])
def test_none_at_all(
    open_lease: OpenLease, simulator: Simulator, tmp_path: Path, value: str
) -> None:
    """The thumbprint decides."""
    simulator.inject("device_url", ssl_certificate=value)
    for service in connected(simulator):
        with open_lease(demo_vm_of(service).ExportVm()) as lease:
            disk: Any = disk_of(lease)
            assert not disk.sslCertificate.strip()
            assert lease.download(disk, tmp_path / "disk").verified == "manifest"


def test_more_than_is_read(open_lease: OpenLease, simulator: Simulator) -> None:
    simulator.inject("device_url", ssl_certificate="x" * (MIB + 1))
    for service in connected(simulator):
        with (
            pytest.raises(nfclease.LeaseInitError) as raised,
            open_lease(demo_vm_of(service).ExportVm()) as lease,
        ):
            lease.wait_ready(1)
    assert f"text exceeded (limit {MIB}, seen {MIB + 1})" in str(raised.value)
    assert is_a_line(str(raised.value), 400)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
