"""Where a session's trust comes from besides CAs that can be read; no source is left out."""

from __future__ import annotations

import hashlib
import re
import ssl
import warnings
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect

import nfclease
from nfclease import HttpNfcLease
from nfclease._pyvmomi import ssl_context
from nfclease.simulator import Simulator

from ..support.certificates import CLIENT, NAMES, Certificate, authority, hashed, issue, version_1
from ..support.inventory import demo_vm_of
from ..support.leases import disk_of
from ..support.tls_host import TlsHost, connected_stub, showing, stub_for
from ..support.versions import needs

ROOT = authority("root")
OTHER = authority("other")
GOOD = issue("good", ROOT, names=NAMES)
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
DOCS = Path(__file__).parents[2] / "docs"


def ask(stub: Any) -> None:
    """One call; a host that is believed answers 404, which pyvmomi makes this exception of."""
    lease = HttpNfcLease("lease-1", stub, keep_alive=False)
    try:
        with pytest.raises(HTTPException, match="404"):
            lease.HttpNfcLeaseProgress(1)
    finally:
        lease.close()


def refusal(stub: Any, error: type[Exception] = nfclease.TlsError) -> str:
    lease = HttpNfcLease("lease-1", stub, keep_alive=False)
    try:
        with pytest.raises(error) as caught:
            lease.HttpNfcLeaseProgress(1)
    finally:
        lease.close()
    return str(caught.value)


def trusting(*certificates: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata="".join(each.pem for each in certificates))
    return context


class TestNothingIsLeftOut:
    """A newer Python's new setting fails here until somebody has decided about it."""

    def test_every_attribute_is_decided_about(self) -> None:
        there = {name for name in dir(ssl.SSLContext) if not name.startswith("_")}
        assert there <= set(ssl_context.SETTINGS)

    def test_every_attribute_is_in_the_docs(self) -> None:
        text = (DOCS / "sessions.md").read_text(encoding="utf-8")
        named = set(re.findall(r"`(\w+)`", text))
        assert set(ssl_context.SETTINGS) <= named

    @pytest.mark.parametrize("flag", [each for each in ssl.VerifyFlags if each])
    def test_every_verify_flag_is_followed_or_left_to_python(self, flag: ssl.VerifyFlags) -> None:
        context = trusting(ROOT)
        context.verify_flags = flag
        trust = ssl_context.read(context)
        if flag in ssl_context._FOLLOWED:
            assert trust["ca_certificates"] == [ROOT.der]
        else:
            assert trust["ca_certificates"] == []
            assert str(flag.name) in trust["unread"]

    def test_every_option_is_decided_about(self) -> None:
        assert {option.name for option in ssl.Options} <= set(ssl_context.OPTIONS)


class TestVersions:
    @pytest.mark.parametrize(
        ("protocol", "expected"),
        [
            (ssl.PROTOCOL_TLS_CLIENT, (True, True)),
            (ssl.PROTOCOL_TLS, (True, True)),
            (ssl.PROTOCOL_TLS_SERVER, (False, False)),
            (ssl.PROTOCOL_TLSv1_1, (False, False)),
            (ssl.PROTOCOL_TLSv1_2, (True, False)),
        ],
    )
    def test_contexts_of_old(self, protocol: int, expected: tuple[bool, bool]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            trust = ssl_context.read(ssl.SSLContext(protocol))
        assert (trust["tls12"], trust["tls13"]) == expected

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_none_that_is_spoken_here(self) -> None:
        context = trusting(ROOT)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            showing(GOOD) as host,
            pytest.raises(ValueError, match=r"minimum_version, maximum_version, options"),
        ):
            HttpNfcLease("lease-1", stub_for(host, context), keep_alive=False)

    def test_the_host_has_none_of_them(self) -> None:
        context = trusting(ROOT)
        context.minimum_version = V13
        with showing(GOOD, versions=[V12]) as host:
            text = refusal(stub_for(host, context))
        assert "no TLS version that the session allows" in text
        assert "minimum_version, maximum_version and options of the session's SSLContext" in text


class TestWhatCannotBeRead:
    """Python's own TLS judges, and its verdict is on the session's host alone."""

    def test_a_directory_of_cas(self, tmp_path: Path) -> None:
        contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(2)]
        for context in contexts:
            context.load_verify_locations(capath=hashed(tmp_path, ROOT))
        with showing(GOOD) as host:
            ask(stub_for(host, contexts[0]))
        with showing(issue("x", OTHER, names=NAMES)) as host:
            text = refusal(stub_for(host, contexts[1]))
            # After a handshake OpenSSL shows the CA that it has looked up, and no other.
            assert "those in a directory" in refusal(stub_for(host, contexts[0]))
        assert "CAs in a directory cannot" in text
        assert "Python's own TLS refused the host" in text

    def test_a_class_that_verifies_by_itself(self) -> None:
        class Suspicious(ssl.SSLContext):
            def wrap_socket(self, *args: Any, **also: Any) -> ssl.SSLSocket:
                raise ssl.SSLCertVerificationError("not on my list")

        context = Suspicious(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ROOT.pem)
        with showing(GOOD) as host:
            assert "not on my list" in refusal(stub_for(host, context))
            assert host.asked == 0

    def test_a_class_that_accepts(self) -> None:
        class Lenient(ssl.SSLContext):
            pass

        context = Lenient(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ROOT.pem)
        with showing(GOOD) as host:
            ask(stub_for(host, context))

    def test_sockets_that_verify_by_themselves(self) -> None:
        class Refusing(ssl.SSLSocket):
            def do_handshake(self, block: bool = False) -> None:
                raise ssl.SSLCertVerificationError("not on my list")

        context = trusting(ROOT)
        context.sslsocket_class = Refusing
        with showing(GOOD) as host:
            assert "not on my list" in refusal(stub_for(host, context))
            assert host.asked == 0

    def test_a_context_of_another_library(self) -> None:
        with showing(GOOD) as host, pytest.raises(ValueError, match="only an ssl"):
            HttpNfcLease("lease-1", stub_for(host, object()), keep_alive=False)  # type: ignore[arg-type]

    @needs("serverPemCert")  # before, pyvmomi's own way through a proxy is broken
    def test_through_a_proxy(self) -> None:
        mine, other = issue("self", names=NAMES), issue("other", names=NAMES)
        with showing(mine) as host:
            way = {"httpProxyHost": "127.0.0.1", "httpProxyPort": host.port}
            ask(stub_for(host, trusting(mine), **way))
            text = refusal(stub_for(host, trusting(other), **way))
        assert "Python's own TLS refused the host" in text

    def test_a_refusal_is_not_kept(self) -> None:
        """What the script mends on its context counts for the next lease."""
        mine = issue("self", names=NAMES)
        context = trusting(issue("other", names=NAMES))
        with showing(mine) as host:
            stub = stub_for(host, context)
            assert "cannot be read from it" in refusal(stub)
            context.load_verify_locations(cadata=mine.pem)
            ask(stub)

    def test_the_stub_keeps_its_connections(self) -> None:
        mine = issue("self", names=NAMES)
        with showing(mine) as host:
            stub = stub_for(host, trusting(mine))
            before = dict(vars(stub))
            HttpNfcLease("lease-1", stub, keep_alive=False).close()
            after = dict(vars(stub))
        assert after["pool"] == []
        assert {**after, "_pc": None} == {**before, "_pc": None}


class TestNoContext:
    """What ``http.client`` takes is Python's default: OpenSSL's own files, not the core's."""

    def test_its_cas(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "ca.pem").write_text(ROOT.pem, encoding="ascii")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        with showing(GOOD) as host:
            ask(stub_for(host, None))
        with showing(issue("x", OTHER, names=NAMES)) as host:
            refusal(stub_for(host, None))

    def test_switched_off_by_the_script(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
        with showing(GOOD) as host:
            ask(stub_for(host, None))


ODD = {
    "version 1": version_1("esx"),
    "no names": issue("esx"),
    "expired": issue("esx", names=NAMES, days=(-30, -1)),
    "for clients": issue("esx", names=NAMES, purposes=[CLIENT]),
    "a CA": authority("esx", key_usage=None),
    "of an unknown issuer": issue("esx", OTHER),
}


@pytest.fixture(params=[V12, V13], ids=["1.2", "1.3"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=list(ODD.values()), ids=list(ODD))
def odd(request: pytest.FixtureRequest, version: Any) -> Iterator[tuple[Certificate, TlsHost]]:
    with showing(request.param, versions=[version]) as host:
        yield request.param, host


class TestPinned:
    """A pin says all: neither names nor dates nor the certificate's version matter."""

    def test_by_thumbprint(self, odd: tuple[Certificate, TlsHost]) -> None:
        shown, host = odd
        pin = hashlib.sha1(shown.der).hexdigest()
        ask(stub_for(host, ssl._create_unverified_context(), thumbprint=pin))

    def test_by_another_thumbprint(self, odd: tuple[Certificate, TlsHost]) -> None:
        _, host = odd
        pin = hashlib.sha1(GOOD.der).hexdigest()
        stub = stub_for(host, ssl._create_unverified_context(), thumbprint=pin)
        refusal(stub, nfclease.ThumbprintMismatchError)
        assert host.asked == 0

    @needs("serverPemCert")
    def test_by_certificate(self, odd: tuple[Certificate, TlsHost]) -> None:
        shown, host = odd
        ask(stub_for(host, ssl._create_unverified_context(), serverPemCert=shown.pem))

    def test_not_verified_at_all(self, odd: tuple[Certificate, TlsHost]) -> None:
        _, host = odd
        ask(stub_for(host, ssl._create_unverified_context()))

    @needs("serverPemCert")
    def test_by_a_chain(self) -> None:
        with showing(GOOD) as host:
            chain = ROOT.pem + GOOD.pem
            ask(stub_for(host, ssl._create_unverified_context(), serverPemCert=chain))

    @needs("serverPemCert")
    def test_by_the_certificate_of_its_ca(self) -> None:
        """It is compared with the server's own, which it is not."""
        with showing(GOOD) as host:
            stub = stub_for(host, trusting(OTHER), serverPemCert=ROOT.pem)
            text = refusal(stub, nfclease.ThumbprintMismatchError)
            assert host.asked == 0
        assert "the pinned certificate is a CA's" in text
        assert "cafile" in text


def test_a_pin_is_of_one_host(simulator: Simulator, tmp_path: Path) -> None:
    """Beside it the context verifies nobody, so a host without a pin of its own is refused."""
    simulator.inject("device_url", ssl_thumbprint="")
    context = ssl._create_unverified_context()
    service = simulator.connect(sslContext=context, thumbprint=simulator.thumbprint_sha1)
    try:
        vm = demo_vm_of(service)
        with (
            pytest.raises(nfclease.TlsError, match="pin is of its own host"),
            HttpNfcLease(vm.ExportVm(), max_retries=0) as lease,
        ):
            lease.download(disk_of(lease), tmp_path / "disk")
    finally:
        Disconnect(service)
        service._stub.DropConnections()
    assert simulator.requests() == []


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        pytest.param(issue("localhost", ROOT), "have it issued again with one", id="no names"),
        pytest.param(version_1("localhost", ROOT), "of X.509 version 1", id="version 1"),
    ],
)
def test_what_only_python_accepts(shown: Certificate, words: str) -> None:
    """It accepted it on the connection that made the lease; without one, the error tells why."""
    with showing(shown) as host:
        text = refusal(stub_for(host, trusting(ROOT)))
        assert words in text
        assert "pin it: thumbprint=" in text
        with connected_stub(host, trusting(ROOT)) as stub:
            ask(stub)
