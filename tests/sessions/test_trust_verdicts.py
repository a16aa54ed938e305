"""Every setting of an ``SSLContext``, judged by OpenSSL and by nfclease on real handshakes.

Never wider: what OpenSSL refuses with a context, nfclease refuses. Where it is stricter, the case
says so, docs/sessions.md lists it and the message names the way out.
"""

from __future__ import annotations

import inspect
import socket
import ssl
from http.client import HTTPException
from typing import Any

import pytest

import nfclease
from nfclease import HttpNfcLease, _core
from nfclease._pyvmomi import ssl_context

from ..support.tls_host import TlsHost, connected_stub, showing, stub_for
from ..support.trust_cases import CASES, Case

OPTIONS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(nfclease.HttpNfcLease.__init__).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY
} | {"keep_alive": False, "max_retries": 0}


def openssl_accepts(case: Case, host: TlsHost, context: ssl.SSLContext, name: str) -> bool:
    try:
        with (
            socket.create_connection(("127.0.0.1", host.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            secured.sendall(b"GET / HTTP/1.1\r\n\r\n")
            return secured.recv(100).startswith(b"HTTP/1.1 404")
    except ssl.SSLError:
        return False


def refusal_elsewhere(case: Case, host: TlsHost) -> str:
    """What nfclease says when nobody else has judged the host; empty when it is accepted."""
    url = f"https://{case.name}:{host.port}/sdk"
    proxy: tuple[str, list[tuple[str, str]]] = (f"127.0.0.1:{host.port}", [])
    before = host.asked
    try:
        trust = ssl_context.read(case.context())
        session = _core.Session(url, "urn:vim25/7.0", trust=trust, proxy=proxy, timeout=20)
        lease = _core.Lease(session, "lease-1", **OPTIONS)
        try:
            lease.call("HttpNfcLeaseGetManifest", b"<x/>")
        finally:
            lease.hand_over()  # else the process would tell at its end that no Abort went through
    except (nfclease.TlsError, ValueError) as error:
        assert host.asked == before
        return str(error)
    assert host.asked == before + 1
    return ""


def session_refusal(stub: Any, host: TlsHost) -> str:
    """What nfclease says of the session's own host; empty when it is accepted."""
    before = host.asked
    try:
        lease = HttpNfcLease("lease-1", stub, keep_alive=False)
    except ValueError as error:
        return str(error)
    try:
        lease.HttpNfcLeaseProgress(1)
    except nfclease.TlsError as error:
        assert host.asked == before
        return str(error)
    except HTTPException:
        return ""
    finally:
        lease.close()
    raise AssertionError("a 404 was taken for an answer")


@pytest.mark.parametrize("case", [pytest.param(each, id=key) for key, each in CASES.items()])
def test_a_host_elsewhere(case: Case) -> None:
    """As the host of a disk that the lease does not pin."""
    with showing(*case.shows, **case.host) as host:
        accepted = openssl_accepts(case, host, case.context(), case.name)
        refusal = refusal_elsewhere(case, host)
    if case.stricter:
        assert accepted
        assert case.stricter in refusal
        assert "pin it: thumbprint=" in refusal or "have it issued again" in refusal
    else:
        assert (refusal == "") == accepted, refusal


@pytest.mark.parametrize("case", [pytest.param(each, id=key) for key, each in CASES.items()])
def test_the_host_of_the_session(case: Case) -> None:
    """Python's own TLS judges it wherever nfclease cannot, and lends its verdict."""
    context = case.context()
    with showing(*case.shows, **case.host) as host:
        accepted = openssl_accepts(case, host, case.context(), "localhost")
        refusal = session_refusal(stub_for(host, context), host)
        with connected_stub(host, context) as stub:
            refusal_of_known = session_refusal(stub, host)
    assert accepted or refusal
    if "RSA key" in case.stricter:
        assert case.stricter in refusal_of_known
    else:
        assert (refusal_of_known == "") == accepted, refusal_of_known
        assert not refusal or not accepted or case.stricter in refusal
