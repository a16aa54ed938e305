"""What a server says is one bounded line, in errors and in logs, and no secret of ours is in it."""

from __future__ import annotations

import logging
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import endings
from ..support.records import lines
from ..support.server_text import FORGED, OBEYED, is_a_line

#: What a terminal, an editor or a log reader would obey or hide.


def until_said(lease: Any, caplog: pytest.LogCaptureFixture, part: str) -> None:
    """Calls in, which empties the queue of records, until one with this part has come."""
    deadline = time.monotonic() + 30
    while not any(part in text for text in lines(caplog)):
        assert time.monotonic() < deadline
        _ = lease.state
        time.sleep(0.01)


@pytest.mark.parametrize(
    "text", [FORGED, "x" * 300_000, FORGED * 10_000], ids=["forged", "long", "both"]
)
def test_a_faults_text_in_the_keep_alives_log(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
    text: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    simulator.inject("soap_fault", method="HttpNfcLeaseProgress", message=text)
    with open_lease(demo_vm.ExportVm(), keep_alive_interval=0.05) as lease:
        lease.wait_ready(10)
        until_said(lease, caplog, "keep-alive")
    assert all(is_a_line(said, 400) for said in lines(caplog))


def test_a_faults_text_at_the_end(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    simulator.inject("soap_fault", method="HttpNfcLeaseComplete", message=FORGED * 1000)
    with (
        pytest.raises(nfclease.LeaseCompleteError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
    assert is_a_line(str(raised.value), 400)
    fault: Any = raised.value.fault
    assert type(fault).__name__ == "vmodl.fault.SystemError"
    assert fault.msg.startswith("oops\\n2026-01-01 CRITICAL")
    assert is_a_line(fault.msg, 10_000)
    check_traceback(raised.value)


def check_traceback(error: BaseException) -> None:
    """It is as long as the code is deep, whatever the server said."""
    shown = "".join(traceback.TracebackException.from_exception(error).format())
    assert not OBEYED.search(shown.replace("\n", ""))
    assert len(shown) < 30_000
    assert "SystemError" in shown


def test_all_of_a_faults_text(open_lease: OpenLease, demo_vm: Any, simulator: Simulator) -> None:
    """As a program wants to read it: more than the error's own text quotes."""
    text = "a long explanation, " * 200
    simulator.inject("soap_fault", method="HttpNfcLeaseComplete", message=text)
    with (
        pytest.raises(nfclease.LeaseCompleteError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
    assert raised.value.fault.msg == text
    assert is_a_line(str(raised.value), 400)


def test_a_fault_with_all_that_it_can_hold(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """Texts in lists, references, numbers, and faults in faults."""
    said = "x&#10;y&#133;" * 1000
    message = (
        f"<faultMessage><key>{said}</key><arg><key>k</key>"
        f'<value xsi:type="xsd:string">{said}</value></arg><message>{said}</message></faultMessage>'
    )
    cause = '<faultCause><fault xsi:type="SystemError">{}</fault></faultCause>'
    deep = ""
    for _ in range(12):
        deep = cause.format(f"{deep}{message}<reason>{said}</reason>")
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body><e:Fault>'
        f"<faultcode>ServerFaultCode</faultcode><faultstring>{said}</faultstring><detail>"
        f'<InvalidDatastoreFault xmlns="urn:vim25" xsi:type="InvalidDatastore">{deep}{message * 20}'
        f'<datastore type="Datastore">{said}</datastore><name>{said}</name>'
        "</InvalidDatastoreFault></detail></e:Fault></e:Body></e:Envelope>"
    )
    simulator.inject("raw_reply", method="HttpNfcLeaseComplete", code=500, body=body)
    with (
        pytest.raises(nfclease.LeaseCompleteError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
    fault: Any = raised.value.fault
    assert type(fault) is vim.fault.InvalidDatastore
    assert type(fault.faultCause) is vmodl.fault.SystemError
    assert type(fault.datastore) is vim.Datastore
    shown = str(fault)
    assert len(shown) < 30_000
    assert not OBEYED.search(shown.replace("\n", ""))


def test_a_key_in_an_error(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """File and host are found by it all the same; one that is a key compares equal."""
    simulator.inject("device_url", disk="disk-1.vmdk", key=FORGED * 1000)
    simulator.inject("status", disk=".vmdk", code=410)
    for number in (1, 3):
        lease = open_lease(demo_vm.ExportVm(), max_retries=0)
        with pytest.raises(nfclease.HttpStatusError) as raised, lease:
            found = lease.wait_ready(10).deviceUrl
            device = next(url for url in found if url.targetId == f"disk-{number}.vmdk")
            lease.download(device, tmp_path / "disk")
        assert is_a_line(raised.value.disk_key, 200)
        assert (raised.value.disk_key == device.key) == (number != 1)
        assert raised.value.file == device.targetId


def test_a_lease_that_fails(open_lease: OpenLease, demo_vm: Any, simulator: Simulator) -> None:
    simulator.inject("init_error", message=FORGED * 1000)
    with pytest.raises(nfclease.LeaseInitError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
    assert is_a_line(str(raised.value), 400)


@pytest.mark.parametrize(
    "body",
    [
        "<a></c\r\nFORGED\u202e>",
        "<a b\n='\x1b[31m' b\n=''>",
        "<a>&" + "x\u2028" * 1000 + ";</a>",
        "x\n" * 1000,
    ],
)
def test_broken_xml(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, body: str
) -> None:
    with pytest.raises(nfclease.ProtocolError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        devices = lease.wait_ready(10).deviceUrl
        simulator.inject("raw_reply", method="HttpNfcLeaseGetManifest", count=1, body=body)
        lease.download(devices[0], tmp_path / "file")
    assert is_a_line(str(raised.value), 400)


def test_the_manifests_checksum(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("manifest", disk="disk-1.vmdk", sha1=FORGED * 100)
    with (
        pytest.raises(nfclease.ChecksumMismatchError) as raised,
        open_lease(demo_vm.ExportVm(), max_retries=0) as lease,
    ):
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert is_a_line(str(raised.value), 600)
    assert is_a_line(raised.value.expected, 200)


@pytest.mark.parametrize("value", ["x" * (1 << 20), "a\u202egnp.exe"], ids=["long", "turned"])
def test_a_target_id(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, value: str
) -> None:
    simulator.inject("target_id", disk="disk-1.vmdk", value=value)
    with pytest.raises(nfclease.UnsafePathError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert is_a_line(str(raised.value), 400)


def test_a_long_target_id_in_other_errors(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    simulator.inject("target_id", disk="disk-1.vmdk", value=FORGED * 1000)
    simulator.inject("status", disk="disk-1.vmdk", code=503, body=FORGED * 1000)
    with (
        pytest.raises(nfclease.HttpStatusError) as raised,
        open_lease(demo_vm.ExportVm(), max_retries=1) as lease,
    ):
        device = next(d for d in lease.wait_ready(10).deviceUrl if d.targetId.startswith("oops"))
        lease.download(device, tmp_path / "disk")
    assert is_a_line(str(raised.value))
    assert any("starting it again" in said for said in lines(caplog))
    assert all(is_a_line(said) for said in lines(caplog))
    shown = traceback.TracebackException.from_exception(raised.value)
    assert not OBEYED.search("".join(shown.format()).replace("\n", ""))


def test_a_redirect(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    location = "foo://" + "x" * 20_000 + "/"
    simulator.inject("redirect", disk=".vmdk", location=location)
    with (
        pytest.raises(nfclease.UnexpectedRedirectError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert is_a_line(str(raised.value), 600)


@pytest.mark.parametrize("value", ["no thumbprint", "abcd", "zz" * 20, "\u202e" * 10_000])
def test_a_rubbish_thumbprint_names_device_and_host(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, value: str
) -> None:
    simulator.inject("device_url", disk="disk-1.vmdk", ssl_thumbprint=value)
    with pytest.raises(nfclease.ProtocolError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        [disk] = [d for d in lease.wait_ready(10).deviceUrl if d.targetId == "disk-1.vmdk"]
        lease.download(disk, tmp_path / "disk")
    text = str(raised.value)
    assert is_a_line(text)
    assert f"disk-1.vmdk at {simulator.disk_host}:{simulator.disk_port}" in text
    assert "sslThumbprint" in text
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
