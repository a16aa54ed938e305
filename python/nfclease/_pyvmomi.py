"""What nfclease reads off pyvmomi: the session of a stub, and a fault from a raw answer."""

from __future__ import annotations

import http.client
import logging
import os
import ssl
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from pyVmomi import SoapAdapter, vim, vmodl
from pyVmomi.VmomiSupport import GetRequestContext

from nfclease import _core

logger = logging.getLogger("nfclease")

#: Seconds for one vSphere call; Complete of an import may take a while.
CALL_TIMEOUT = 120.0

_sessions: WeakKeyDictionary[Any, _core.Session] = WeakKeyDictionary()

if hasattr(os, "register_at_fork"):  # their connections belong to threads that a child has not
    os.register_at_fork(after_in_child=_sessions.clear)


def soap_stub(stub: Any) -> Any:
    """The stub that holds the connection; a ``VimSessionOrientedStub`` wraps it."""
    return getattr(stub, "soapStub", stub)


def session_of(stub: Any) -> _core.Session:
    """The native session for a stub, with the stub's cookie of this moment."""
    soap = soap_stub(stub)
    session = _sessions.get(soap)
    if session is None:
        session = _sessions[soap] = _open_session(soap)
    session_id = getattr(soap, "sessionId", None) or ""
    session.set_credentials(
        soap.cookie or "", session_id, _soap_header(soap), _custom_headers(soap)
    )
    return session


def request_context() -> Callable[[], None]:
    """Takes this thread's request context of pyvmomi along; to be called in the other thread."""
    context = dict(GetRequestContext())
    return lambda: GetRequestContext().update(context)


def _soap_header(soap: Any) -> str:
    """What the stub puts before the body of every call: request context and SAML token."""
    if not (soap.requestContext or getattr(soap, "samlToken", None) or GetRequestContext()):
        return ""
    service = vim.ServiceInstance("ServiceInstance", soap)
    method: Any = service._GetMethodInfo("CurrentTime")
    text = soap.SerializeRequest(service, method, []).decode()
    start, end = text.find("<soapenv:Header>"), text.find("</soapenv:Header>")
    return text[start : end + len("</soapenv:Header>")] if start >= 0 else ""


def _open_session(soap: Any) -> _core.Session:
    plain = soap.scheme is http.client.HTTPConnection
    address, proxy = _way(soap)
    url = f"{'http' if plain else 'https'}://{address}{soap.path}"
    trust: dict[str, Any] = {"verify": "none"} if plain else _trust(soap)
    if trust["verify"] == "none" and not plain and not trust.get("thumbprint"):
        logger.warning("the session does not verify TLS certificates, so nfclease does not either")
    if proxy is not None:
        trust["proxy"] = (proxy, _custom_headers(soap))
    return _core.Session(url, soap.versionId, timeout=CALL_TIMEOUT, **trust)


def _custom_headers(soap: Any) -> list[tuple[str, str]]:
    """What SmartConnect was given as customHeaders: for each request, and for a proxy's CONNECT."""
    return list((getattr(soap, "_customHeaders", None) or {}).items())


def _way(soap: Any) -> tuple[str, str | None]:
    """Host and port of the server, and of the proxy on the way to it."""
    host: str = soap.host
    if host.startswith("/"):
        raise ValueError("sessions over a Unix domain socket are not supported")
    # pyvmomi before 9 puts the proxy in the server's place and the server into the scheme.
    tunnelled = getattr(soap.scheme, "proxyPath", None)
    through_vcenter = hasattr(soap, "sslProxyPath") or (tunnelled and ":" not in tunnelled)
    if through_vcenter or (soap.path.startswith("http:")):
        raise ValueError(
            "sessions through sslProxyPath, a proxy over TLS or a proxy for plain HTTP are not "
            "supported; open one straight to the host, or with httpProxyHost for https"
        )
    default = 80 if soap.scheme is http.client.HTTPConnection else 443
    proxy_host = getattr(soap, "httpProxyHost", None)
    if tunnelled:
        address = _with_port(tunnelled, default)
        proxy: str | None = host
    else:
        address = _with_port(host, getattr(soap, "port", default))
        proxy = f"{proxy_host}:{soap.httpProxyPort}" if proxy_host else None
    if proxy and address.startswith("["):
        raise ValueError(
            "an IPv6 literal behind an HTTP proxy is not supported; use the host's name"
        )
    return address, proxy


def _with_port(host: str, port: int) -> str:
    bare = host.rpartition("]")[2] if host.startswith("[") else host
    return host if ":" in bare else f"{host}:{port}"


def _trust(soap: Any) -> dict[str, Any]:
    """The stub's own trust, in the words of the core."""
    context = soap.schemeArgs.get("context")
    if context is None:
        # What http.client takes, a script's monkeypatch of it included.
        context = ssl._create_default_https_context()
    trust: dict[str, Any] = {"verify": "none"}
    if context.verify_mode != ssl.CERT_NONE:
        trust["verify"] = "full" if context.check_hostname else "chain"
        # Empty for a context whose CAs are in a directory: the system's, then.
        trust["ca_certificates"] = context.get_ca_certs(binary_form=True) or None
    ca_file = soap.schemeArgs.get("ca_certs")
    if ca_file:
        with open(ca_file, encoding="ascii") as file:
            text = file.read()
        trust["ca_certificates"] = [ssl.PEM_cert_to_DER_cert(pem) for pem in _split_pem(text)]
        trust["verify"] = "full"
    # Strict where pyvmomi 9 is lenient: a pin always decides.
    trust["thumbprint"] = getattr(soap, "thumbprint", None)
    trust["server_certificate"] = getattr(soap, "serverPemCert", None)
    cert = getattr(soap, "certFile", None) or soap.schemeArgs.get("cert_file")
    key = getattr(soap, "certKeyFile", None) or soap.schemeArgs.get("key_file")
    if cert and key:
        with open(cert, "rb") as cert_file, open(key, "rb") as key_file:
            trust["identity"] = (cert_file.read(), key_file.read())
    return trust


def _split_pem(text: str) -> list[str]:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return [begin + part.split(end)[0] + end for part in text.split(begin)[1:]]


def fault_of(stub: Any, envelope: bytes, name: str, message: str) -> Any:
    """Pyvmomi's fault object from the envelope that carried it, or the nearest that can be made.

    A newer server has faults and fields that this pyvmomi does not know, and expat refuses
    characters that servers send. Neither may take the place of what went wrong.
    """
    deserializer: Any = SoapAdapter.SoapResponseDeserializer
    try:
        fault = deserializer(stub).Deserialize(envelope, object)
    except Exception:
        fault = None
    if isinstance(fault, vmodl.MethodFault):
        return fault
    known = getattr(vim.fault, name, None) or getattr(vmodl.fault, name, None)
    is_fault = isinstance(known, type) and issubclass(known, vmodl.MethodFault)
    kind: Any = known if is_fault else vmodl.MethodFault
    return kind(msg=message)
