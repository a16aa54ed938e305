"""Every setting of an ``SSLContext``, judged by OpenSSL and by nfclease on real handshakes.

Never wider: what OpenSSL refuses with a context, nfclease refuses. Where it is stricter, the case
says so, docs/sessions.md lists it and the message names the way out.
"""

from __future__ import annotations

import inspect
import socket
import ssl
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

import nfclease
from nfclease import HttpNfcLease, _core
from nfclease._pyvmomi import ssl_context

from ..support.certificates import (
    CLIENT,
    HOST,
    NAMES,
    SERVER,
    Certificate,
    authority,
    issue,
    revocations,
    usage,
    version_1,
)
from ..support.tls_host import TlsHost, connected_stub, showing, stub_for

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
FLAGS = ssl.VerifyFlags
PARTIAL = FLAGS.VERIFY_X509_PARTIAL_CHAIN
STRICT = FLAGS.VERIFY_X509_STRICT
OPTIONS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(nfclease.HttpNfcLease.__init__).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY
} | {"keep_alive": False, "max_retries": 0}

ROOT = authority("root")
BETWEEN = authority("between", ROOT)
OTHER = authority("other")
GOOD = issue("good", ROOT, names=NAMES, purposes=[SERVER])
BELOW = issue("below", BETWEEN, names=NAMES)
SELF = issue("self", names=NAMES)
SELF_CA = authority("self", names=NAMES, key_usage=None)


@dataclass(frozen=True)
class Case:
    """What a host shows and what a context trusts.

    Attributes:
        shows: The host's chain.
        trusts: The context's CA file.
        flags: Verify flags to add; those that a newer Python sets by itself are taken away.
        tweak: Any other setting.
        host: How the host is set up.
        name: Under which it is asked for.
        stricter: nfclease refuses what OpenSSL accepts, for a host that is not the session's own;
            the words that the message must have.
    """

    shows: tuple[Certificate, ...]
    trusts: tuple[Certificate, ...] = (ROOT,)
    flags: int = 0
    tweak: Callable[[ssl.SSLContext], object] = lambda context: None
    host: dict[str, Any] = field(default_factory=dict)
    name: str = HOST
    stricter: str = ""

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= FLAGS(self.flags)
        if self.trusts:
            context.load_verify_locations(cadata="".join(each.pem for each in self.trusts))
        self.tweak(context)
        return context


def no_names(context: ssl.SSLContext) -> None:
    context.check_hostname = False


def setting(**values: object) -> Callable[[ssl.SSLContext], None]:
    def tweak(context: ssl.SSLContext) -> None:
        for key, value in values.items():
            setattr(context, key, value)

    return tweak


def unverified(context: ssl.SSLContext) -> None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE


def unverified_1_3(context: ssl.SSLContext) -> None:
    unverified(context)
    context.minimum_version = V13


def ciphers_of_1_2(context: ssl.SSLContext) -> None:
    context.maximum_version = V12
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")


def unnamed_flag(context: ssl.SSLContext) -> None:
    context.verify_flags = FLAGS(0x40000)


def ciphers(wanted: str) -> Callable[[ssl.SSLContext], None]:
    return lambda context: context.set_ciphers(wanted)


def revoking(*revoked: Certificate) -> Callable[[ssl.SSLContext], None]:
    def tweak(context: ssl.SSLContext) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "crl.pem")
            path.write_text(revocations(ROOT, *revoked), encoding="ascii")
            context.load_verify_locations(path)

    return tweak


def without_tls_1_2(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.options |= ssl.OP_NO_TLSv1_2


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


SHORT_KEY = issue("x", ROOT, names=NAMES, key=rsa_key(1024))
SHORT_KEYS = {"ciphers": "DEFAULT:@SECLEVEL=0"}
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
NOT_READ = "cannot be read from it"
CASES = {
    "good": Case((GOOD,)),
    "another CA": Case((GOOD,), (OTHER,)),
    "several CAs": Case((GOOD,), (OTHER, ROOT)),
    "nothing trusted": Case((GOOD,), ()),
    "wrong name": Case((issue("x", ROOT, names=["other.test"]),)),
    "wrong name, not checked": Case((issue("x", ROOT, names=["other.test"]),), tweak=no_names),
    "another CA, name not checked": Case((GOOD,), (OTHER,), tweak=no_names),
    "verify optional": Case((GOOD,), (OTHER,), tweak=setting(verify_mode=ssl.CERT_OPTIONAL)),
    "unverified": Case((SELF,), (), tweak=unverified),
    "expired": Case((issue("x", ROOT, names=NAMES, days=(-30, -1)),)),
    "not yet valid": Case((issue("x", ROOT, names=NAMES, days=(1, 30)),)),
    "expired CA": Case(
        (issue("x", (old := authority("old", days=(-30, -1))), names=NAMES),), (old,)
    ),
    # what stands in the CA file
    "self-signed": Case((SELF,), (SELF,), stricter=NOT_READ),
    "self-signed, says nothing": Case(
        ((says_nothing := issue("self", ca=None, names=NAMES)),), (says_nothing,), stricter=NOT_READ
    ),
    "self-signed CA": Case((SELF_CA,), (SELF_CA,)),
    "self-signed beside a CA": Case((SELF,), (ROOT, SELF), stricter=NOT_READ),
    "self-signed, expired": Case(
        ((expired := issue("self", names=NAMES, days=(-30, -1))),), (expired,)
    ),
    "self-signed CA, expired": Case(
        ((expired_ca := authority("self", names=NAMES, days=(-30, -1), key_usage=None)),),
        (expired_ca,),
    ),
    "self-signed CA, wrong name": Case(
        ((misnamed := authority("self", names=["other.test"], key_usage=None)),), (misnamed,)
    ),
    "self-signed CA, for clients": Case(
        ((clients := authority("self", names=NAMES, purposes=[CLIENT], key_usage=None)),),
        (clients,),
    ),
    "self-signed CA that only signs": Case(((signs := authority("self", names=NAMES)),), (signs,)),
    "leaf of an unknown issuer": Case((GOOD,), (GOOD,)),
    "leaf of an unknown issuer, partial": Case((GOOD,), (GOOD,), PARTIAL, stricter=NOT_READ),
    "CA as server, of an unknown issuer": Case(
        ((ca_leaf := authority("x", ROOT, names=NAMES, key_usage=None)),), (ca_leaf,)
    ),
    "CA as server, partial": Case((ca_leaf,), (ca_leaf,), PARTIAL),
    "CA as server": Case(
        (authority("x", ROOT, names=NAMES, key_usage=None),), stricter="it is a CA's"
    ),
    # chains
    "between": Case((BELOW, BETWEEN)),
    "between, not sent": Case((BELOW,)),
    "between, in the CA file": Case((BELOW,), (ROOT, BETWEEN)),
    "between, root not trusted": Case((BELOW, BETWEEN, ROOT), (BETWEEN,)),
    "between, partial": Case((BELOW,), (BETWEEN,), PARTIAL),
    "between, no CA": Case(
        (issue("x", (fake := issue("fake", ROOT, names=NAMES)), names=NAMES), fake)
    ),
    "between, may not sign": Case(
        (
            issue(
                "x",
                (mute := authority("mute", ROOT, key_usage=usage(digital_signature=True))),
                names=NAMES,
            ),
            mute,
        )
    ),
    "between, for clients": Case(
        (issue("x", (cl := authority("cl", ROOT, purposes=[CLIENT])), names=NAMES), cl)
    ),
    "root for clients": Case(
        (issue("x", (clr := authority("clr", purposes=[CLIENT])), names=NAMES),), (clr,)
    ),
    "root may not sign": Case(
        (issue("x", (rms := authority("rms", key_usage=usage(crl_sign=True))), names=NAMES),),
        (rms,),
    ),
    "root with an unknown critical extension": Case(
        (issue("x", (strange := authority("strange", extra=STRANGE)), names=NAMES),), (strange,)
    ),
    "unknown critical extension": Case((issue("x", ROOT, names=NAMES, extra=STRANGE),)),
    "self-signed CA, unknown critical extension": Case(
        ((odd := authority("odd", names=NAMES, extra=STRANGE, key_usage=None)),), (odd,)
    ),
    "path too long": Case(
        (
            issue(
                "x",
                (mid := authority("mid", (short := authority("short", path_length=0)))),
                names=NAMES,
            ),
            mid,
        ),
        (short,),
    ),
    "path just long enough": Case(
        (issue("x", short, names=NAMES), short, BETWEEN), (short, BETWEEN)
    ),
    # the server's own certificate
    "for clients": Case((issue("x", ROOT, names=NAMES, purposes=[CLIENT]),)),
    "for both": Case((issue("x", ROOT, names=NAMES, purposes=[CLIENT, SERVER]),)),
    "usage signs only": Case(
        (issue("x", ROOT, names=NAMES, key_usage=usage(content_commitment=True)),)
    ),
    "usage of a server": Case(
        (issue("x", ROOT, names=NAMES, key_usage=usage(digital_signature=True)),)
    ),
    "CN only": Case((issue(HOST, ROOT),), stricter="no subjectAltName"),
    "CN only, not looked at": Case(
        (issue(HOST, ROOT),), tweak=setting(hostname_checks_common_name=False)
    ),
    "CN only, names not checked": Case((issue("x", ROOT),), tweak=no_names),
    "version 1": Case((version_1(HOST, ROOT),), stricter="version 1"),
    "version 1, self-signed": Case(((v1 := version_1(HOST)),), (v1,), stricter="version 1"),
    "wildcard": Case((issue("x", ROOT, names=["*.example.test"]),)),
    "wildcard of a whole domain": Case((issue("x", ROOT, names=["*.test"]),)),
    "wildcard in a label": Case((issue("x", ROOT, names=["v*.example.test"]),)),
    "address": Case((issue("x", ROOT, names=["127.0.0.1"]),), name="127.0.0.1"),
    "another address": Case((issue("x", ROOT, names=["127.0.0.2"]),), name="127.0.0.1"),
    "address in the CN": Case((issue("127.0.0.1", ROOT),), name="127.0.0.1"),
    # flags
    "strict": Case((GOOD,), flags=STRICT, stricter="VERIFY_X509_STRICT"),
    "strict, and a lax CA": Case(
        (issue("x", (lax := authority("lax", critical=False)), names=NAMES),), (lax,), STRICT
    ),
    "lax CA": Case((issue("x", lax, names=NAMES),), (lax,)),
    "CRL wanted": Case((GOOD,), flags=FLAGS.VERIFY_CRL_CHECK_LEAF),
    "CRL there": Case(
        (GOOD,),
        flags=FLAGS.VERIFY_CRL_CHECK_LEAF,
        tweak=revoking(),
        stricter="VERIFY_CRL_CHECK_LEAF",
    ),
    "CRL, revoked": Case((GOOD,), flags=FLAGS.VERIFY_CRL_CHECK_LEAF, tweak=revoking(GOOD)),
    "CRL of the chain": Case(
        (BELOW, BETWEEN), flags=FLAGS.VERIFY_CRL_CHECK_CHAIN, tweak=revoking()
    ),
    "revoked, not looked at": Case((GOOD,), tweak=revoking(GOOD)),
    "trusted first": Case((BELOW, BETWEEN), flags=FLAGS.VERIFY_X509_TRUSTED_FIRST),
    "proxy certificates": Case((GOOD,), flags=getattr(FLAGS, "VERIFY_ALLOW_PROXY_CERTS", 0)),
    "unnamed flag": Case((GOOD,), tweak=unnamed_flag, stricter="0x"),
    # versions and ciphers
    "1.3 wanted, host of 1.2": Case(
        (GOOD,), tweak=setting(minimum_version=V13), host={"versions": [V12]}
    ),
    "1.3 wanted": Case((GOOD,), tweak=setting(minimum_version=V13)),
    "1.3 wanted as the highest": Case(
        (GOOD,),
        tweak=setting(minimum_version=ssl.TLSVersion.MAXIMUM_SUPPORTED),
        host={"versions": [V12]},
    ),
    "1.2 at most": Case((GOOD,), tweak=setting(maximum_version=V12)),
    "1.2 at most, host of 1.3": Case(
        (GOOD,), tweak=setting(maximum_version=V12), host={"versions": [V13]}
    ),
    "1.2 off, host of 1.2": Case((GOOD,), tweak=without_tls_1_2, host={"versions": [V12]}),
    "unverified, 1.3 wanted, host of 1.2": Case(
        (SELF,),
        (),
        tweak=unverified_1_3,
        host={"versions": [V12]},
    ),
    "ciphers that the host has not": Case(
        (GOOD,),
        tweak=ciphers_of_1_2,
        host={"ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"},
    ),
    "ciphers that the host has": Case((GOOD,), tweak=ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")),
    "RSA": Case((issue("x", ROOT, names=NAMES, key=rsa_key(2048)),)),
    "RSA of 1024 bits": Case((SHORT_KEY,), host=SHORT_KEYS),
    "RSA of 1024 bits, allowed": Case(
        (SHORT_KEY,),
        tweak=ciphers("DEFAULT:@SECLEVEL=0"),
        host=SHORT_KEYS,
        stricter="RSA key has 1024 bits",
    ),
    "security level 3": Case(
        (GOOD,), tweak=ciphers("DEFAULT:@SECLEVEL=3"), stricter="security level 3"
    ),
}


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
        _core.Lease(session, "lease-1", **OPTIONS).call("HttpNfcLeaseGetManifest", b"<x/>")
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
