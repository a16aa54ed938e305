"""Settings of an ``SSLContext``, each with what a host shows, for both sides to judge."""

from __future__ import annotations

import ssl
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from .certificates import (
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

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
FLAGS = ssl.VerifyFlags
PARTIAL = FLAGS.VERIFY_X509_PARTIAL_CHAIN
STRICT = FLAGS.VERIFY_X509_STRICT

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
