"""Faults that pyvmomi cannot read, and lost answers: the documented errors all the same."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator

from ..peers.leases import export_lease, import_spec
from ..peers.run import Vcsim
from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.inventory import unique
from ..support.leases import disk_of, endings

FAULT = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
    "<faultcode>ServerFaultCode</faultcode><faultstring>{text}</faultstring><detail>"
    '<{name}Fault xmlns="urn:vim25" xsi:type="{name}">{fields}</{name}Fault>'
    "</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)

#: What is sent, the name and the class of the fault in the error.
STRANGE = {
    "unknown class": ({"name": "NoSuch", "text": "new"}, "NoSuch", vmodl.MethodFault),
    "unknown field": (
        {"name": "FileLocked", "text": "busy", "fields": "<since>today</since>"},
        "FileLocked",
        vim.fault.FileLocked,
    ),
    "control character": (
        {"name": "FileLocked", "text": "a\x01b"},
        "FileLocked",
        vim.fault.FileLocked,
    ),
    "a name of Python's": ({"name": "__class__", "text": "x"}, "__class__", vmodl.MethodFault),
    "bad number": (
        {"name": "InsufficientHostCapacityFault", "text": "x", "fields": "<host>7</host>"},
        "InsufficientHostCapacityFault",
        vmodl.MethodFault,
    ),
}


def strange(simulator: Simulator, which: str, method: str, **options: Any) -> tuple[str, type[Any]]:
    fields, name, kind = STRANGE[which]
    body = FAULT.format(**{"fields": "", **fields})
    simulator.inject("raw_reply", method=method, code=500, body=body, **options)
    return name, kind


@pytest.mark.parametrize("which", STRANGE)
def test_a_complete_that_is_refused_strangely(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, which: str
) -> None:
    with (
        pytest.raises(nfclease.LeaseCompleteError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        name, kind = strange(simulator, which, "HttpNfcLeaseComplete")
    error = raised.value
    assert error.fault_name == name
    assert isinstance(error.fault, kind)
    assert error.fault is error.__cause__
    assert error.lease_outcome == "aborted"
    assert endings(simulator) == ["HttpNfcLeaseComplete", "HttpNfcLeaseAbort"]


@pytest.mark.parametrize("body", ["<a><b></a>", "", "\x01", "<!DOCTYPE a><a/>"])
def test_a_complete_that_is_answered_with_rubbish(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, body: str
) -> None:
    simulator.inject("raw_reply", method="HttpNfcLeaseComplete", code=500, body=body)
    with (
        pytest.raises(nfclease.LeaseCompleteError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
    assert raised.value.fault is None
    assert raised.value.lease_outcome == "aborted"


@pytest.mark.parametrize("which", STRANGE)
def test_a_manifest_that_is_refused_strangely(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, which: str
) -> None:
    """A fault of a call comes out itself, as far as it can be made."""
    strange(simulator, which, "HttpNfcLeaseSetManifestChecksumType")
    _, kind = STRANGE[which][1:]
    with (
        pytest.raises(kind) as raised,
        open_lease(demo_vm.ExportVm(), checksum_type="sha256") as lease,
    ):
        lease.download(disk_of(lease), tmp_path / "disk")
    assert isinstance(raised.value, vmodl.MethodFault)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


INFO = (
    "<soapenv:Envelope xmlns:soapenv='http://schemas.xmlsoap.org/soap/envelope/' "
    "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><soapenv:Body>"
    "<FetchResponse xmlns='urn:vim25'><returnval xsi:type='{kind}'>{content}</returnval>"
    "</FetchResponse></soapenv:Body></soapenv:Envelope>"
)


@pytest.mark.parametrize(
    ("kind", "content"),
    [("HttpNfcLeaseInfo", "<newer>1</newer>"), ("NewerInfo", ""), ("HttpNfcLeaseInfo", "\x01")],
)
@pytest.mark.parametrize("use", ["wait_ready", "download_all"])
def test_an_info_that_pyvmomi_cannot_read(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    kind: str,
    content: str,
    use: str,
) -> None:
    if "Fetch" not in reads(service):
        pytest.skip("not run: this pyvmomi reads attributes otherwise")
    body = INFO.format(kind=kind, content=content)
    with (
        pytest.raises(nfclease.ProtocolError, match=r"cannot (be )?read"),
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        simulator.inject("raw_reply", method="Fetch", body=body)
        getattr(lease, use)(*{"wait_ready": (10,), "download_all": (tmp_path,)}[use])
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def reads(service: Any) -> str:
    """The source of how an attribute is read: ``Fetch`` from pyvmomi's version 8 on."""
    import inspect

    return inspect.getsource(type(service._stub).InvokeAccessor)


def test_an_answer_that_is_lost_and_a_lease_that_is_gone(
    open_lease: OpenLease, simulator: Simulator, service: Any, imported: Imported
) -> None:
    """As vCenter has it: the lease object goes with its Complete."""
    raw, item, path, name = imported
    with open_lease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, path)
        simulator.inject("drop", method="HttpNfcLeaseComplete", after=True, count=1)
        gone = "vmodl.fault.ManagedObjectNotFound"
        simulator.inject("soap_fault", method="RetrievePropertiesEx", fault=gone, count=1)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert service.content.searchIndex.FindByInventoryPath(f"DC0/vm/{name}")


def test_an_answer_that_is_lost_with_what_was_made(
    open_lease: OpenLease, simulator: Simulator, imported: Imported
) -> None:
    """Neither lease nor VM is there: it was ended otherwise, and that is not a success."""
    raw, item, path, _ = imported
    with pytest.raises(nfclease.LeaseCompleteError), open_lease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, path)
        simulator.inject("drop", method="HttpNfcLeaseComplete", count=1)
        gone = "vmodl.fault.ManagedObjectNotFound"
        simulator.inject("soap_fault", method="RetrievePropertiesEx", fault=gone)
    simulator.clear()


def test_an_answer_that_is_lost_and_a_server_that_is_away(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """It is asked again before the lease counts as not completed."""
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        simulator.inject("drop", method="HttpNfcLeaseComplete", after=True, count=1)
        simulator.inject("drop", method="RetrievePropertiesEx", count=1)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_the_scripts_own_complete_whose_answer_is_lost(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """What comes out is as pyvmomi has it, and no Abort follows what has ended."""
    with pytest.raises(nfclease.ConnectError), open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        simulator.inject("drop", method="HttpNfcLeaseComplete", after=True, count=1)
        lease.Complete()
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert lease._nfc_core.phase() == "completed"


@contextmanager
def losing_answers(host: str, port: int, what: bytes) -> Iterator[int]:
    """A relay that passes everything on, but no answer to a request with these bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(near: socket.socket) -> None:
        with near, socket.create_connection((host, port)) as far:
            back = threading.Thread(target=relay, args=(far, near, b""), daemon=True)
            back.start()
            relay(near, far, what)

    def relay(from_: socket.socket, to: socket.socket, until: bytes) -> None:
        seen = b""
        with suppress(OSError):
            while data := from_.recv(1 << 16):
                seen = (seen + data)[-(1 << 17) :]
                if until and until in seen:
                    from_.shutdown(socket.SHUT_WR)  # what is answered finds no way back
                to.sendall(data)
        for end in (from_, to):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(near,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


@pytest.mark.parametrize("kind", ["export", "import"])
def test_vcsim_completes_and_the_answer_is_lost(
    open_lease: OpenLease, tmp_path: Path, kind: str
) -> None:
    """It removes the lease with its Complete, as vCenter does."""
    with (
        Vcsim(tls=False) as vcsim,
        losing_answers(vcsim.host, vcsim.port, b"<HttpNfcLeaseComplete") as port,
    ):
        service: Any = SmartConnect(
            protocol="http",
            host="127.0.0.1",
            port=port,
            user=vcsim.user,
            pwd=vcsim.password,
        )
        if kind == "export":
            raw = export_lease(service)
        else:
            pool, spec = import_spec(service, unique("relayed"), 1 << 20)
            raw = pool.ImportVApp(spec.importSpec)
        with open_lease(raw, verify_format=False) as lease:
            lease.wait_ready(10)
            if kind == "export":
                lease.download_all(tmp_path)
            else:
                lease.upload(spec.fileItem[0], b"\0" * (1 << 20))
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            _ = raw.state
        Disconnect(service)
        service._stub.DropConnections()
