"""What an ``ssl.SSLContext`` trusts and allows, as far as it can be read and followed natively."""

from __future__ import annotations

import ssl
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The settings, and what becomes of each; docs/sessions.md says it to users, and a test that this
#: is all of them. ``read``: followed here. ``python``: only Python's own TLS can judge by it.
#: ``none``: has no effect on which hosts a client trusts.
SETTINGS = {
    "verify_mode": "read",
    "check_hostname": "read",
    "hostname_checks_common_name": "read",
    "get_ca_certs": "read",
    "cert_store_stats": "read",
    "load_verify_locations": "read",
    "load_default_certs": "read",
    "set_default_verify_paths": "read",
    "protocol": "read",
    "options": "read",
    "minimum_version": "read",
    "maximum_version": "read",
    "set_ciphers": "read",
    "set_ciphersuites": "read",
    "get_ciphers": "read",
    "verify_flags": "python",
    "security_level": "python",
    "sslsocket_class": "python",
    "sslobject_class": "python",
    "wrap_socket": "python",
    "wrap_bio": "python",
    "load_cert_chain": "none",
    "post_handshake_auth": "none",
    "set_psk_client_callback": "none",
    "set_ecdh_curve": "none",
    "get_groups": "none",
    "set_groups": "none",
    "set_client_sigalgs": "none",
    "set_alpn_protocols": "none",
    "set_npn_protocols": "none",
    "keylog_filename": "none",
    "session_stats": "none",
    # of servers
    "num_tickets": "none",
    "sni_callback": "none",
    "set_servername_callback": "none",
    "set_psk_server_callback": "none",
    "set_server_sigalgs": "none",
    "load_dh_params": "none",
}

#: The same of ``options``.
OPTIONS = {
    "OP_NO_TLSv1_2": "read",
    "OP_NO_TLSv1_3": "read",
    # of versions that the core never speaks
    "OP_NO_SSLv2": "none",
    "OP_NO_SSLv3": "none",
    "OP_NO_TLSv1": "none",
    "OP_NO_TLSv1_1": "none",
    # of what goes over a connection
    "OP_ALL": "none",
    "OP_CIPHER_SERVER_PREFERENCE": "none",
    "OP_SINGLE_DH_USE": "none",
    "OP_SINGLE_ECDH_USE": "none",
    "OP_NO_TICKET": "none",
    "OP_NO_COMPRESSION": "none",
    "OP_NO_RENEGOTIATION": "none",
    "OP_ENABLE_MIDDLEBOX_COMPAT": "none",
    "OP_ENABLE_KTLS": "none",
    "OP_IGNORE_UNEXPECTED_EOF": "none",
    "OP_LEGACY_SERVER_CONNECT": "none",
}

#: Flags that a chain can be judged with here: others make Python's own TLS refuse more.
_FOLLOWED = (
    ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST
    | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    | ssl.VerifyFlags.VERIFY_ALLOW_PROXY_CERTS
)
#: Keys of 112 bits and digests better than SHA-1, which is what the core asks for as well.
_SECURITY_LEVEL = 2
#: Contexts of before ``minimum_version``, and whether they speak TLS 1.2 and 1.3.
_FIXED = {
    ssl.PROTOCOL_TLSv1: (False, False),
    ssl.PROTOCOL_TLSv1_1: (False, False),
    ssl.PROTOCOL_TLSv1_2: (True, False),
    ssl.PROTOCOL_TLS_SERVER: (False, False),
}


def unverified() -> dict[str, Any]:
    """The trust of a connection without TLS, in the words of the core."""
    return {
        "verify": "none",
        "ca_certificates": [],
        "partial_chain": False,
        "accepted": None,
        "unread": None,
        "tls12": True,
        "tls13": True,
        "cipher_suites": None,
        "thumbprint": None,
        "server_certificate": None,
        "identity": None,
    }


_Read = namedtuple(
    "_Read",
    [
        "context",
        "kind",
        "is_replaced",
        "socket_class",
        "wrap_socket",
        "protocol",
        "verify_mode",
        "verify_flags",
        "check_hostname",
        "hostname_checks_common_name",
        "options",
        "minimum_version",
        "maximum_version",
        "security_level",
        "ciphers",
        "authorities",
        "stored",
    ],
)


class Settings(_Read):
    """All that is read of a context, at one moment: where two are equal, so is the trust.

    A script may change its context at any time, and the next lease must follow. So whatever decides
    is a field here, also what only Python's own verdict depends on, and nothing is read elsewhere.
    The context is one as well, as an equal one may hide other things; ``stored`` counts what is in
    it, also what cannot be read. No dataclass, whose module is half of an import of ours.
    """

    __slots__ = ()

    @classmethod
    def of(cls, context: ssl.SSLContext) -> Settings:
        """As the context is now; takes a tenth of a millisecond with a system's CAs."""
        stats = context.cert_store_stats()
        return cls(
            context=context,
            kind=type(context),
            is_replaced=ssl.SSLContext.__module__ != "ssl",
            socket_class=context.sslsocket_class,
            wrap_socket=vars(context).get("wrap_socket"),
            protocol=context.protocol,
            verify_mode=int(context.verify_mode),
            verify_flags=int(context.verify_flags),
            check_hostname=context.check_hostname,
            hostname_checks_common_name=context.hostname_checks_common_name,
            options=int(context.options),
            minimum_version=int(context.minimum_version),
            maximum_version=int(context.maximum_version),
            security_level=context.security_level,
            ciphers=tuple(cipher["id"] for cipher in context.get_ciphers()),
            authorities=tuple(context.get_ca_certs(binary_form=True)),
            stored=(stats["x509"], stats["x509_ca"], stats["crl"]),
        )

    @property
    def has_its_own_way(self) -> bool:
        """Whether its verdict may also change without a sign of it here."""
        return (
            self.is_replaced
            or self.kind.__module__ != "ssl"
            or self.wrap_socket is not None
            or self.socket_class is not ssl.SSLSocket
        )


def read(context: ssl.SSLContext) -> dict[str, Any]:
    """The trust of a context as it is now, in the words of the core."""
    return trust_by(Settings.of(context))


def trust_by(settings: Settings) -> dict[str, Any]:
    """The trust, in the words of the core.

    ``ca_certificates`` is empty where a chain to them would not be judged as by the context itself;
    ``unread`` says why, and also what cannot be read beside those that are listed.
    """
    trust = unverified()
    trust["tls12"], trust["tls13"] = _versions(settings)
    trust["cipher_suites"] = [number & 0xFFFF for number in settings.ciphers]
    if settings.verify_mode == ssl.CERT_NONE:
        return trust
    trust["verify"] = "full" if settings.check_hostname else "chain"
    partial = settings.verify_flags & ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    trust["partial_chain"] = bool(partial)
    obstacle = _obstacle(settings)
    if obstacle:
        trust["unread"] = obstacle
        return trust
    trust["ca_certificates"] = list(settings.authorities)
    trust["unread"] = _gap(settings)
    return trust


def _versions(settings: Settings) -> tuple[bool, bool]:
    tls12, tls13 = _FIXED.get(settings.protocol, (True, True))
    lowest, highest = settings.minimum_version, settings.maximum_version
    if lowest == ssl.TLSVersion.MAXIMUM_SUPPORTED:
        lowest = ssl.TLSVersion.TLSv1_3
    if highest == ssl.TLSVersion.MAXIMUM_SUPPORTED:
        highest = ssl.TLSVersion.TLSv1_3

    def allowed(version: ssl.TLSVersion, switched_off: ssl.Options) -> bool:
        return lowest <= version <= highest and not settings.options & int(switched_off)

    return (
        tls12 and allowed(ssl.TLSVersion.TLSv1_2, ssl.Options.OP_NO_TLSv1_2),
        tls13 and allowed(ssl.TLSVersion.TLSv1_3, ssl.Options.OP_NO_TLSv1_3),
    )


def _obstacle(settings: Settings) -> str | None:
    """Why only Python's own TLS can judge a chain by this context."""
    if settings.has_its_own_way:
        return "SSLContext is of a class that may verify in its own way"
    others = settings.verify_flags & ~int(_FOLLOWED)
    if others:
        names = [
            name
            for name, flag in ssl.VerifyFlags.__members__.items()
            if flag and others & flag == flag
        ]
        return f"SSLContext has verify_flags {' | '.join(names) or hex(others)}"
    if settings.security_level > _SECURITY_LEVEL:
        return f"SSLContext has security level {settings.security_level}"
    return None


def _gap(settings: Settings) -> str | None:
    """What of the context's trust Python does not show."""
    certificates, authorities, _ = settings.stored
    hidden = certificates - authorities
    if hidden:
        text = "certificate(s) that are not a CA's and cannot be read from it"
        return f"SSLContext holds {hidden} {text}"
    if not authorities:
        return "SSLContext holds no CA that can be read from it; CAs in a directory cannot"
    return None
