"""What an ``ssl.SSLContext`` trusts and allows, as far as it can be read and followed natively."""

from __future__ import annotations

import ssl

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


def read(context: ssl.SSLContext) -> dict[str, Any]:
    """The trust of a context, in the words of the core.

    ``ca_certificates`` is empty where a chain to them would not be judged as by the context itself;
    ``unread`` says why, and also what cannot be read beside those that are listed.
    """
    trust = unverified()
    trust["tls12"], trust["tls13"] = _versions(context)
    trust["cipher_suites"] = [cipher["id"] & 0xFFFF for cipher in context.get_ciphers()]
    if context.verify_mode == ssl.CERT_NONE:
        return trust
    trust["verify"] = "full" if context.check_hostname else "chain"
    flags = context.verify_flags
    trust["partial_chain"] = bool(flags & ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN)
    obstacle = _obstacle(context)
    if obstacle:
        trust["unread"] = obstacle
        return trust
    trust["ca_certificates"] = context.get_ca_certs(binary_form=True)
    trust["unread"] = _gap(context)
    return trust


def fingerprint(context: ssl.SSLContext) -> tuple[Any, ...]:
    """What a script may change on its context at any time, and a lease opened later must follow."""
    return (
        context,
        int(context.verify_mode),
        context.check_hostname,
        int(context.verify_flags),
        int(context.options),
        int(context.minimum_version),
        int(context.maximum_version),
    )


def _versions(context: ssl.SSLContext) -> tuple[bool, bool]:
    tls12, tls13 = _FIXED.get(context.protocol, (True, True))
    lowest, highest = context.minimum_version, context.maximum_version
    if lowest == ssl.TLSVersion.MAXIMUM_SUPPORTED:
        lowest = ssl.TLSVersion.TLSv1_3
    if highest == ssl.TLSVersion.MAXIMUM_SUPPORTED:
        highest = ssl.TLSVersion.TLSv1_3

    def allowed(version: ssl.TLSVersion, switched_off: ssl.Options) -> bool:
        return lowest <= version <= highest and not context.options & switched_off

    return (
        tls12 and allowed(ssl.TLSVersion.TLSv1_2, ssl.Options.OP_NO_TLSv1_2),
        tls13 and allowed(ssl.TLSVersion.TLSv1_3, ssl.Options.OP_NO_TLSv1_3),
    )


def _obstacle(context: ssl.SSLContext) -> str | None:
    """Why only Python's own TLS can judge a chain by this context."""
    its_own = "SSLContext is of a class that may verify in its own way"
    if type(context).__module__ != "ssl" or ssl.SSLContext.__module__ != "ssl":
        return its_own
    if context.sslsocket_class is not ssl.SSLSocket:
        return its_own
    others = int(context.verify_flags) & ~int(_FOLLOWED)
    if others:
        names = [
            name
            for name, flag in ssl.VerifyFlags.__members__.items()
            if flag and others & flag == flag
        ]
        return f"SSLContext has verify_flags {' | '.join(names) or hex(others)}"
    if context.security_level > _SECURITY_LEVEL:
        return f"SSLContext has security level {context.security_level}"
    return None


def _gap(context: ssl.SSLContext) -> str | None:
    """What of the context's trust Python does not show."""
    stats = context.cert_store_stats()
    hidden = stats["x509"] - stats["x509_ca"]
    if hidden:
        text = "certificate(s) that are not a CA's and cannot be read from it"
        return f"SSLContext holds {hidden} {text}"
    if not stats["x509_ca"]:
        return "SSLContext holds no CA that can be read from it; CAs in a directory cannot"
    return None
