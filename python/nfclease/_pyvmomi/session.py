"""The native session of a stub, read off it: its host, trust, cookie and headers."""

from __future__ import annotations

import copy
import http.client
import os
import ssl
from weakref import WeakKeyDictionary

from pyVmomi import vim
from pyVmomi.VmomiSupport import GetRequestContext

from nfclease import _core
from nfclease._log import extra, logger
from nfclease._pyvmomi import ssl_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Seconds for one vSphere call; Complete of an import may take a while.
CALL_TIMEOUT = 120.0
#: Seconds for a connection that only shows whether Python's own TLS accepts the server.
JUDGE_TIMEOUT = 15.0

#: For each stub the sessions that it was, by what decided about its trust.
_sessions: WeakKeyDictionary[Any, dict[Any, _core.Session]] = WeakKeyDictionary()

if hasattr(os, "register_at_fork"):  # their connections belong to threads that a child has not
    os.register_at_fork(after_in_child=_sessions.clear)


def soap_stub(stub: Any) -> Any:
    """The stub that holds the connection; a ``VimSessionOrientedStub`` wraps it."""
    return getattr(stub, "soapStub", stub)


def session_of(stub: Any) -> _core.Session:
    """The native session for a stub, as the stub is at this moment."""
    soap = soap_stub(stub)
    sessions = _sessions.setdefault(soap, {})
    key = _trust_key(soap)
    session = sessions.get(key)
    if session is None:
        session, can_verify = _open_session(soap, is_first=not sessions)
        if can_verify:  # else the next lease asks again
            session = sessions.setdefault(key, session)
    _refresh(soap, session)
    return session


def refresh_credentials(stub: Any) -> None:
    """Gives the native sessions of a stub the cookie of this moment."""
    soap = soap_stub(stub)
    _refresh(soap, *_sessions.get(soap, {}).values())


def _refresh(soap: Any, *sessions: _core.Session) -> None:
    session_id = getattr(soap, "sessionId", None) or ""
    header, headers = _soap_header(soap), _custom_headers(soap)
    for session in sessions:
        session.set_credentials(soap.cookie or "", session_id, header, headers)


def _trust_key(soap: Any) -> Any:
    """What a script may change on a stub after a lease was opened, and the next one must follow."""
    pin = (getattr(soap, "thumbprint", None), getattr(soap, "serverPemCert", None))
    context = soap.schemeArgs.get("context")
    # pyvmomi 9 itself makes the context of a pinned session unverified when the pin had to decide.
    if any(pin) or not isinstance(context, ssl.SSLContext):
        return (*pin, context or ssl._create_default_https_context)
    return ssl_context.fingerprint(context)


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


def _open_session(soap: Any, *, is_first: bool) -> tuple[_core.Session, bool]:
    """The session, and whether it has anything to verify a server by."""
    plain = soap.scheme is http.client.HTTPConnection
    address, proxy = _way(soap)
    url = f"{'http' if plain else 'https'}://{address}{soap.path}"
    trust = ssl_context.unverified() if plain else _trust(soap, is_first)
    pinned = trust["thumbprint"] or trust["server_certificate"]
    if trust["verify"] == "none" and not plain and not pinned:
        logger().warning(
            "the session with %s does not verify TLS certificates, so nfclease does not either",
            address,
            extra=extra(host=address),
        )
    through = None if proxy is None else (proxy, _custom_headers(soap))
    known = trust["ca_certificates"] or trust["accepted"] or pinned
    session = _core.Session(url, soap.versionId, trust=trust, proxy=through, timeout=CALL_TIMEOUT)
    return session, bool(known or trust["verify"] == "none")


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


def _trust(soap: Any, is_first: bool) -> dict[str, Any]:
    """The stub's own trust, in the words of the core."""
    context = _context(soap)
    ca_file = soap.schemeArgs.get("ca_certs")
    if ca_file:  # pyvmomi before 8 verifies by this file alone
        with open(ca_file, encoding="ascii") as file:
            text = file.read()
        trust = ssl_context.read(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        trust["ca_certificates"] = [ssl.PEM_cert_to_DER_cert(pem) for pem in _split_pem(text)]
        trust["unread"] = None
    else:
        trust = ssl_context.read(context)
    # Strict where pyvmomi 9 is lenient: a pin always decides.
    trust["thumbprint"] = getattr(soap, "thumbprint", None)
    trust["server_certificate"] = getattr(soap, "serverPemCert", None)
    pinned = trust["thumbprint"] or trust["server_certificate"]
    if trust["verify"] != "none" and not pinned and not ca_file:
        # How a connection came about that is older than a change of the context, nobody knows.
        known = _kept(soap) if is_first else None
        trust["accepted"] = known or (trust["unread"] and _judged(trust, soap, context))
    cert = getattr(soap, "certFile", None) or soap.schemeArgs.get("cert_file")
    key = getattr(soap, "certKeyFile", None) or soap.schemeArgs.get("key_file")
    if cert and key:
        with open(cert, "rb") as cert_file, open(key, "rb") as key_file:
            trust["identity"] = (cert_file.read(), key_file.read())
    return trust


def _context(soap: Any) -> ssl.SSLContext:
    """What the stub's connections verify with."""
    context = soap.schemeArgs.get("context")
    if context is None:
        # What http.client takes, a script's monkeypatch of it included.
        context = ssl._create_default_https_context()
    if not isinstance(context, ssl.SSLContext):
        raise ValueError(
            f"the session's sslContext is a {type(context).__name__}; only an ssl.SSLContext is "
            "supported"
        )
    return context


def _kept(soap: Any) -> tuple[str, bytes] | None:
    """What Python's own TLS accepted on a connection that the stub keeps."""
    context = soap.schemeArgs.get("context")
    with soap.lock:
        shown = [_shown(connection, context) for connection, _ in soap.pool]
    return next(filter(None, shown), None)


def _judged(trust: dict[str, Any], soap: Any, context: ssl.SSLContext) -> tuple[str, bytes] | None:
    """Has Python's own TLS judge the session's host, on a connection for that alone."""
    twin = copy.copy(soap)
    twin.pool = []
    twin.schemeArgs = {"timeout": JUDGE_TIMEOUT, **soap.schemeArgs, "context": context}
    connection = None
    try:
        connection = twin.GetConnection()
        if not connection.sock:
            connection.connect()
        return _shown(connection, context)
    except ssl.SSLError as error:
        trust["unread"] += f", and Python's own TLS refused the host: {error}"
    except (OSError, http.client.HTTPException):
        pass  # The core cannot connect either, and says it with the host's name.
    finally:
        if connection is not None:
            connection.close()
    return None


def _shown(connection: Any, context: ssl.SSLContext | None) -> tuple[str, bytes] | None:
    """Name and certificate of a host that was verified: with this context, or with the default."""
    sock = getattr(connection, "sock", None)
    if not isinstance(sock, ssl.SSLSocket) or sock.context.verify_mode == ssl.CERT_NONE:
        return None
    if context is not None and sock.context is not context:
        return None
    certificate = sock.getpeercert(binary_form=True)
    name = sock.server_hostname
    return (name, certificate) if certificate and isinstance(name, str) else None


def _split_pem(text: str) -> list[str]:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return [begin + part.split(end)[0] + end for part in text.split(begin)[1:]]
