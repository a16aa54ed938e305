"""A context that was changed between two leases of a stub: each lease has what it said then."""

from __future__ import annotations

import hashlib
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import HttpNfcLease
from nfclease._pyvmomi import ssl_context
from nfclease._pyvmomi.session import session_of

from ..support.certificates import NAMES, Certificate, authority, hashed, issue
from ..support.tls_host import TlsHost, connected_stub, showing, stub_for

ROOT = authority("root")
OTHER = authority("other")
GOOD = issue("good", ROOT, names=NAMES)
LAX = authority("lax", critical=False)
SELF = issue("self", names=NAMES)
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
STRICT = ssl.VerifyFlags.VERIFY_X509_STRICT
PARTIAL = ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


class Refusing(ssl.SSLSocket):
    """Sockets of a script that trusts nobody."""

    def do_handshake(self, block: bool = False) -> None:
        raise ssl.SSLCertVerificationError("not on my list")


def setting(**values: object) -> Callable[[ssl.SSLContext], None]:
    def change(context: ssl.SSLContext) -> None:
        for key, value in values.items():
            setattr(context, key, value)

    return change


def ciphers(wanted: str) -> Callable[[ssl.SSLContext], None]:
    return lambda context: context.set_ciphers(wanted)


def loading(*certificates: Certificate) -> Callable[[ssl.SSLContext], None]:
    text = "".join(each.pem for each in certificates)
    return lambda context: context.load_verify_locations(cadata=text)


def trusting(*certificates: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if certificates:
        loading(*certificates)(context)
    return context


def unverified(context: ssl.SSLContext) -> None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE


def without_tls_1_2(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.options |= ssl.OP_NO_TLSv1_2


def no_names(context: ssl.SSLContext) -> None:
    context.check_hostname = False


def refuse_all(context: ssl.SSLContext) -> None:
    def wrap_socket(*args: Any, **also: Any) -> ssl.SSLSocket:
        raise ssl.SSLCertVerificationError("not on my list")

    context.wrap_socket = wrap_socket  # type: ignore[method-assign]


@dataclass(frozen=True)
class Change:
    """What a script does to its context after a first lease.

    Attributes:
        tighten: Makes of a context that accepts the host one that refuses it.
        words: Of the refusal.
        loosen: Undoes it, where that can be.
        shows: The host's certificate.
        trusts: The context's CA file.
        before: What the context has from the start.
        host: How the host is set up.
    """

    tighten: Callable[[ssl.SSLContext], None]
    words: str
    loosen: Callable[[ssl.SSLContext], None] | None = None
    shows: Certificate = GOOD
    trusts: tuple[Certificate, ...] = (ROOT,)
    before: Callable[[ssl.SSLContext], None] = lambda context: None
    host: dict[str, Any] = field(default_factory=dict)

    def context(self) -> ssl.SSLContext:
        context = trusting(*self.trusts)
        self.before(context)
        return context


_1_2 = {"versions": [V12]}
CHANGES = {
    "verify_mode": Change(
        setting(verify_mode=ssl.CERT_REQUIRED), "", unverified, trusts=(OTHER,), before=unverified
    ),
    "check_hostname": Change(
        setting(check_hostname=True),
        "other.test",
        setting(check_hostname=False),
        shows=issue("x", ROOT, names=["other.test"]),
        before=no_names,
    ),
    "hostname_checks_common_name": Change(
        setting(hostname_checks_common_name=False),
        "no subjectAltName",
        setting(hostname_checks_common_name=True),
        shows=issue("localhost", ROOT),
    ),
    "verify_flags": Change(
        setting(verify_flags=STRICT),
        "VERIFY_X509_STRICT",
        setting(verify_flags=0),
        shows=issue("x", LAX, names=NAMES),
        trusts=(LAX,),
    ),
    "verify_flags, followed": Change(
        setting(verify_flags=0),
        "",
        setting(verify_flags=PARTIAL),
        shows=issue("x", between := authority("between", ROOT), names=NAMES),
        trusts=(between,),
        before=setting(verify_flags=PARTIAL),
    ),
    "minimum_version": Change(
        setting(minimum_version=V13), "TLS version", setting(minimum_version=V12), host=_1_2
    ),
    "options": Change(without_tls_1_2, "TLS version", host=_1_2),
    "ciphers": Change(
        ciphers("ECDHE-ECDSA-AES256-GCM-SHA384"),
        "",
        ciphers("DEFAULT"),
        host={"versions": [V12], "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"},
    ),
    "security level": Change(
        ciphers("DEFAULT:@SECLEVEL=4"), "security level 4", ciphers("DEFAULT:@SECLEVEL=2")
    ),
    "sslsocket_class": Change(
        setting(sslsocket_class=Refusing), "not on my list", setting(sslsocket_class=ssl.SSLSocket)
    ),
    "wrap_socket": Change(refuse_all, "not on my list", lambda context: vars(context).clear()),
}


def answer(lease: Any) -> None:
    """A host that is believed answers 404, which pyvmomi makes this exception of."""
    with pytest.raises(HTTPException, match="404"):
        lease.HttpNfcLeaseProgress(1)


def ask(stub: Any) -> None:
    lease = HttpNfcLease("lease-1", stub, keep_alive=False)
    try:
        answer(lease)
    finally:
        lease.close()


def refused(stub: Any, host: TlsHost) -> str:
    before = host.asked
    lease = HttpNfcLease("lease-1", stub, keep_alive=False)
    try:
        with pytest.raises(nfclease.TlsError) as caught:
            lease.HttpNfcLeaseProgress(1)
    finally:
        lease.close()
    assert host.asked == before
    return str(caught.value)


@pytest.mark.parametrize("change", [pytest.param(each, id=key) for key, each in CHANGES.items()])
def test_a_context_that_was_tightened(change: Change) -> None:
    """A connection that pyvmomi keeps from before proves nothing."""
    context = change.context()
    with (
        showing(change.shows, **change.host) as host,
        connected_stub(host, context) as stub,
    ):
        first = HttpNfcLease("lease-1", stub, keep_alive=False)
        answer(first)
        change.tighten(context)
        assert change.words in refused(stub, host)
        assert change.words in refused(stub, host)
        answer(first)  # as it was when it was opened
        first.close()


@pytest.mark.parametrize(
    "change", [pytest.param(each, id=key) for key, each in CHANGES.items() if each.loosen]
)
def test_a_context_that_was_loosened(change: Change) -> None:
    context = change.context()
    change.tighten(context)
    assert change.loosen
    with showing(change.shows, **change.host) as host:
        stub = stub_for(host, context)
        refused(stub, host)
        change.loosen(context)
        ask(stub)
        stub.DropConnections()


@pytest.mark.parametrize(
    ("trusted", "added"),
    [((OTHER,), ROOT), ((OTHER,), SELF), ((), ROOT), ((issue("x", ROOT),), SELF)],
    ids=["a CA", "one of a host", "the first", "another of a host"],
)
def test_a_certificate_that_was_added(trusted: tuple[Certificate, ...], added: Certificate) -> None:
    context = trusting(*trusted)
    with showing(GOOD if added is ROOT else SELF) as host:
        stub = stub_for(host, context)
        refused(stub, host)
        loading(added)(context)
        ask(stub)


def test_a_ca_that_was_added_changes_nothing_for_who_was_accepted() -> None:
    """Python accepts the host now as before, which nfclease alone would not."""
    context = trusting(ROOT)
    with (
        showing(issue("localhost", ROOT)) as host,
        connected_stub(host, context) as stub,
    ):
        ask(stub)
        loading(OTHER)(context)
        ask(stub)


def test_a_directory_that_was_added(tmp_path: Path) -> None:
    """No count shows it, so Python is asked again about what it refused."""
    context = trusting(OTHER, issue("x"))
    with showing(GOOD) as host:
        stub = stub_for(host, context)
        refused(stub, host)
        context.load_verify_locations(capath=hashed(tmp_path, ROOT))
        ask(stub)


def test_a_pinned_session_that_speaks_less() -> None:
    pin = hashlib.sha1(GOOD.der).hexdigest()
    context = trusting()
    unverified(context)
    with showing(GOOD, versions=[V12]) as host:
        stub = stub_for(host, context, thumbprint=pin)
        ask(stub)
        context.minimum_version = V13
        assert "TLS version" in refused(stub, host)


class Moody(ssl.SSLContext):
    """Verifies in its own way, which nobody sees change."""

    refuses = False

    def wrap_socket(self, *args: Any, **also: Any) -> ssl.SSLSocket:
        if self.refuses:
            raise ssl.SSLCertVerificationError("not today")
        return super().wrap_socket(*args, **also)


def test_a_class_that_changes_its_mind() -> None:
    context = Moody(ssl.PROTOCOL_TLS_CLIENT)
    loading(ROOT)(context)
    with showing(GOOD) as host:
        stub = stub_for(host, context)
        ask(stub)
        Moody.refuses = True
        try:
            assert "not today" in refused(stub, host)
        finally:
            Moody.refuses = False
        ask(stub)


def test_nothing_is_read_besides_the_settings() -> None:
    """What is not in them could change without a lease noticing."""
    settings = ssl_context.Settings.of(trusting(ROOT))
    without = settings._replace(context=None)
    assert without != settings
    assert ssl_context.trust_by(without) == ssl_context.trust_by(settings)


@pytest.mark.parametrize("kind", [ssl.SSLContext, Moody])
def test_a_context_that_stayed_as_it_was(kind: type[ssl.SSLContext]) -> None:
    """Its leases share a session, and with it the connections."""
    context = kind(ssl.PROTOCOL_TLS_CLIENT)
    loading(ROOT)(context)
    with showing(GOOD) as host, connected_stub(host, context) as stub:
        assert session_of(stub) is session_of(stub)
