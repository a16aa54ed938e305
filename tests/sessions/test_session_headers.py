"""What proves the session: cookie, session id or SOAP header; in the core's own calls as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import SoapAdapter, vim
from pyVmomi.VmomiSupport import GetRequestContext

from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import demo_vm_of
from ..support.leases import endings

TOKEN = '<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">t</saml2:Assertion>'


def without_cookie(simulator: Simulator, service: Any) -> Any:
    """A second stub to the same server that has not logged in."""
    return SoapAdapter.SoapStubAdapter(
        host=simulator.host,
        port=simulator.port,
        sslContext=simulator.ssl_context(),
        version=service._stub.version,
    )


def session_id(service: Any) -> str:
    cookie: str = service._stub.cookie
    return cookie.split('"')[1]


def export(open_lease: OpenLease, service: Any, stub: Any, directory: Path) -> None:
    lease = demo_vm_of(service).ExportVm()
    with open_lease(vim.HttpNfcLease(lease._moId, stub), keep_alive_interval=0.2) as ours:
        assert ours.state in ("initializing", "ready")
        ours.wait_ready(10)
        ours.download_all(directory)


def terminate(simulator: Simulator, key: str) -> None:
    """Ends a session from outside: its own Logout would end its leases first."""
    admin = simulator.connect()
    admin.content.sessionManager.TerminateSession([key])
    Disconnect(admin)


def core_calls(simulator: Simulator) -> list[dict[str, Any]]:
    """The calls that the core made of its own."""
    names = {"HttpNfcLeaseProgress", "HttpNfcLeaseGetManifest", "HttpNfcLeaseComplete"}
    return [call for call in simulator.calls() if call["method"] in names]


def test_a_session_id_in_place_of_a_cookie(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    stub = without_cookie(simulator, service)
    stub.sessionId = session_id(service)
    export(open_lease, service, stub, tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    for call in core_calls(simulator):
        headers = {name.lower(): value for name, value in call["headers"].items()}
        assert headers["vmware-api-session-id"] == session_id(service)
        assert "cookie" not in headers
        assert call["session"]


def test_a_session_cookie_in_the_request_context(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    stub = without_cookie(simulator, service)
    stub.requestContext = {"vcSessionCookie": session_id(service)}
    export(open_lease, service, stub, tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert all(call["session"] for call in core_calls(simulator))


def test_a_saml_token_goes_with_every_call(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    service._stub.samlToken = TOKEN
    export(open_lease, service, service._stub, tmp_path)
    methods = {call["method"] for call in core_calls(simulator)}
    assert methods == {"HttpNfcLeaseProgress", "HttpNfcLeaseGetManifest", "HttpNfcLeaseComplete"}
    for call in core_calls(simulator):
        assert TOKEN in call["raw"]


def test_the_session_goes_on_under_a_new_cookie(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    lease = demo_vm.ExportVm()
    with open_lease(lease, keep_alive=False) as ours:  # which would take a lost session for the end
        ours.wait_ready(10)
        manager = service.content.sessionManager
        terminate(simulator, manager.currentSession.key)
        with pytest.raises(vim.fault.NotAuthenticated):
            _ = ours.state
        manager.Login(simulator.user, simulator.password)
        assert ours.state == "ready"
        ours.download_all(tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_the_request_context_of_the_thread(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """One for each thread is what pyvmomi keeps, and an awaited call is made in another."""
    GetRequestContext()["operationID"] = "of-this-thread"
    try:
        with open_lease(demo_vm.ExportVm()) as lease:
            lease.wait_ready(10)
            lease.Progress(7)
            lease.download_all(tmp_path)
    finally:
        GetRequestContext().clear()
    calls = core_calls(simulator)
    assert len(calls) >= 4
    assert all("of-this-thread" in call["raw"] for call in calls)


def test_a_request_context_that_changes(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """The same call twice is the same text, but for what the stub puts before it."""
    with open_lease(demo_vm.ExportVm(), keep_alive=False) as lease:
        lease.wait_ready(10)
        for context in ("", "first", "second", ""):
            if context:
                GetRequestContext()["operationID"] = context
            try:
                lease.Progress(7)
                assert lease.state == "ready"
            finally:
                GetRequestContext().clear()
        lease.Progress(8)
    sent = [call["raw"] for call in simulator.calls() if call["method"] == "HttpNfcLeaseProgress"]
    assert [raw.count("</operationID>") for raw in sent] == [0, 1, 1, 0, 0]
    assert ["first" in sent[1], "second" in sent[2]] == [True, True]
    assert sent[0] == sent[3] != sent[4]
