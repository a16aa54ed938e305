"""What decides about the trust of a stub's next lease, and what becomes of it."""

from __future__ import annotations

import copy
import http.client
import ssl
from collections import namedtuple

from nfclease._pyvmomi import ssl_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    #: The name and the certificate of a host that Python's own TLS accepted.
    Verdict = tuple[str, bytes]

#: Seconds for a connection that only shows whether Python's own TLS accepts the server.
JUDGE_TIMEOUT = 15.0


_Read = namedtuple(
    "_Read",
    ["thumbprint", "server_certificate", "settings", "maker", "verdict"],
    defaults=[None, None, None, None, None],
)


class Basis(_Read):
    """All that decides about the trust of a lease, read at one moment: equal ones share a session.

    Attributes:
        thumbprint: The stub's pin.
        server_certificate: The same, as a certificate.
        settings: Of the stub's context, if it has one.
        maker: What makes the context otherwise.
        verdict: Of Python's own TLS, where nothing else shows that it has changed.
    """

    __slots__ = ()

    @property
    def pinned(self) -> bool:
        return bool(self.thumbprint or self.server_certificate)

    @property
    def may_change_unseen(self) -> bool:
        """Whether each lease has to ask Python's own TLS anew."""
        settings = self.settings
        if settings is None or self.pinned or settings.verify_mode == ssl.CERT_NONE:
            return False
        return bool(settings.has_its_own_way)


def basis_of(soap: Any) -> Basis:
    """What a script may change on a stub after a lease was opened, and the next one must follow."""
    if is_plain(soap):
        return Basis()
    pins = (getattr(soap, "thumbprint", None), getattr(soap, "serverPemCert", None))
    context = soap.schemeArgs.get("context")
    if context is None:
        # What http.client takes, a script's monkeypatch of it included.
        return Basis(*pins, maker=ssl._create_default_https_context)
    return Basis(*pins, settings=_settings(context))


def _settings(context: Any) -> ssl_context.Settings:
    if not isinstance(context, ssl.SSLContext):
        raise ValueError(
            f"the session's sslContext is a {type(context).__name__}; only an ssl.SSLContext is "
            "supported"
        )
    return ssl_context.Settings.of(context)


def is_settled(trust: dict[str, Any]) -> bool:
    """Whether it holds for later leases: what only Python could accept may be accepted then."""
    pinned = trust["thumbprint"] or trust["server_certificate"]
    followed = trust["ca_certificates"] and not trust["unread"]
    return bool(trust["verify"] == "none" or pinned or trust["accepted"] or followed)


def is_plain(soap: Any) -> bool:
    return soap.scheme is http.client.HTTPConnection


def trust_of(soap: Any, basis: Basis, is_first: bool) -> dict[str, Any]:
    """The stub's own trust, in the words of the core."""
    settings = basis.settings or _settings(basis.maker and basis.maker())
    ca_file = soap.schemeArgs.get("ca_certs")
    if ca_file:  # pyvmomi before 8 verifies by this file alone
        with open(ca_file, encoding="ascii") as file:
            text = file.read()
        trust = ssl_context.read(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        trust["ca_certificates"] = [ssl.PEM_cert_to_DER_cert(pem) for pem in _split_pem(text)]
        trust["unread"] = None
    else:
        trust = ssl_context.trust_by(settings)
    # Strict where pyvmomi 9 is lenient: a pin always decides.
    trust["thumbprint"] = basis.thumbprint
    trust["server_certificate"] = basis.server_certificate
    if trust["verify"] != "none" and not basis.pinned and not ca_file:
        trust["accepted"] = _accepted(trust, soap, settings.context, is_first)
    cert = getattr(soap, "certFile", None) or soap.schemeArgs.get("cert_file")
    key = getattr(soap, "certKeyFile", None) or soap.schemeArgs.get("key_file")
    if cert and key:
        with open(cert, "rb") as cert_file, open(key, "rb") as key_file:
            trust["identity"] = (cert_file.read(), key_file.read())
    return trust


def _accepted(
    trust: dict[str, Any], soap: Any, context: ssl.SSLContext, is_first: bool
) -> Verdict | None:
    """What Python's own TLS accepts from the session's host."""
    # How a connection came about that is older than a change of the context, nobody knows.
    known = _kept(soap) if is_first else None
    if known or (is_first and not trust["unread"]):
        return known
    verdict, refusal = _judged(soap, context)
    if refusal and trust["unread"]:
        trust["unread"] += f", and Python's own TLS refused the host: {refusal}"
    return verdict


def _kept(soap: Any) -> Verdict | None:
    """What Python's own TLS accepted on a connection that the stub keeps."""
    context = soap.schemeArgs.get("context")
    with soap.lock:
        shown = [_shown(connection, context) for connection, _ in soap.pool]
    return next(filter(None, shown), None)


def _judged(soap: Any, context: ssl.SSLContext) -> tuple[Verdict | None, str]:
    """Has Python's own TLS judge the host, on a connection for that alone; or why it refuses."""
    twin = copy.copy(soap)
    twin.pool = []
    twin.schemeArgs = {"timeout": JUDGE_TIMEOUT, **soap.schemeArgs, "context": context}
    connection = None
    try:
        connection = twin.GetConnection()
        if not connection.sock:
            connection.connect()
        return _shown(connection, context), ""
    except ssl.SSLError as error:
        return None, str(error)
    except (OSError, http.client.HTTPException):
        pass  # The core cannot connect either, and says it with the host's name.
    finally:
        if connection is not None:
            connection.close()
    return None, ""


def _shown(connection: Any, context: ssl.SSLContext | None) -> Verdict | None:
    """Of a host that was verified: with this context, or with the default."""
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
