"""The native session of a stub, read off it: its host, trust, cookie and headers."""

from __future__ import annotations

import http.client
import os
from weakref import WeakKeyDictionary

from pyVmomi import vim
from pyVmomi.VmomiSupport import GetRequestContext

from nfclease import _core
from nfclease._log import extra, logger
from nfclease._pyvmomi import ssl_context, trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Seconds for one vSphere call; Complete of an import may take a while.
CALL_TIMEOUT = 120.0

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
    is_first = soap not in _sessions
    sessions = _sessions.setdefault(soap, {})
    basis = trust.basis_of(soap)
    session = None if basis.may_change_unseen else sessions.get(basis)
    if session is None:
        session, known = _open_session(soap, basis, is_first=is_first)
        if basis.may_change_unseen:
            basis = basis._replace(verdict=known["accepted"])
        if trust.is_settled(known):  # else the next lease asks again
            session = sessions.setdefault(basis, session)
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


def request_context() -> Callable[[], None]:
    """Takes this thread's request context of pyvmomi along; to be called in the other thread."""
    context = dict(GetRequestContext())
    return lambda: GetRequestContext().update(context)


def has_soap_header(soap: Any) -> bool:
    """Whether the stub puts something before the body of every call, as it is at this moment."""
    return bool(soap.requestContext or getattr(soap, "samlToken", None) or GetRequestContext())


def _soap_header(soap: Any) -> str:
    """What that is: request context and SAML token."""
    if not has_soap_header(soap):
        return ""
    service = vim.ServiceInstance("ServiceInstance", soap)
    method: Any = service._GetMethodInfo("CurrentTime")
    text = soap.SerializeRequest(service, method, []).decode()
    start, end = text.find("<soapenv:Header>"), text.find("</soapenv:Header>")
    return text[start : end + len("</soapenv:Header>")] if start >= 0 else ""


def _open_session(
    soap: Any, basis: trust.Basis, *, is_first: bool
) -> tuple[_core.Session, dict[str, Any]]:
    """The session, and the trust that it has."""
    plain = trust.is_plain(soap)
    address, proxy = _way(soap)
    url = f"{'http' if plain else 'https'}://{address}{soap.path}"
    known = ssl_context.unverified() if plain else trust.trust_of(soap, basis, is_first)
    if known["verify"] == "none" and not plain and not basis.pinned:
        logger().warning(
            "the session with %s does not verify TLS certificates, so nfclease does not either",
            address,
            extra=extra(host=address),
        )
    through = None if proxy is None else (proxy, _custom_headers(soap))
    session = _core.Session(url, soap.versionId, trust=known, proxy=through, timeout=CALL_TIMEOUT)
    return session, known


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
