"""Sessions as people open them: whatever the stub was given, the core goes the same way."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from pyVim import connect
from pyVmomi import SoapAdapter, vim

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import demo_vm_of
from ..support.leases import endings
from ..support.proxying import running_proxy
from ..support.versions import needs


@contextmanager
def session(simulator: Simulator, **options: Any) -> Iterator[Any]:
    service = simulator.connect(**options)
    try:
        yield service
    finally:
        connect.Disconnect(service)
        service._stub.DropConnections()


def export(open_lease: OpenLease, service: Any, directory: Path) -> set[str]:
    lease = demo_vm_of(service).ExportVm()
    with open_lease(lease, keep_alive_interval=0.2) as ours:
        assert ours.wait_ready(10).leaseTimeout > 0
        ours.Progress(1)
        return {result.verified for result in ours.download_all(directory)}


def own_stub(simulator: Simulator, service: Any, **where: Any) -> Any:
    """A stub made by hand, in the version of a session."""
    where = where or {"host": simulator.host, "port": simulator.port}
    context = simulator.ssl_context()
    return SoapAdapter.SoapStubAdapter(sslContext=context, version=service._stub.version, **where)


def test_by_thumbprint_alone(open_lease: OpenLease, simulator: Simulator, tmp_path: Path) -> None:
    context = ssl._create_unverified_context()
    sha1 = simulator.thumbprint_sha1
    with session(simulator, sslContext=context, thumbprint=sha1) as service:
        assert export(open_lease, service, tmp_path) == {"manifest"}


@needs("serverPemCert")
def test_by_the_servers_certificate(
    open_lease: OpenLease, simulator: Simulator, tmp_path: Path
) -> None:
    pem = ssl.get_server_certificate((simulator.host, simulator.port))
    with session(simulator, sslContext=None, serverPemCert=pem) as service:
        assert export(open_lease, service, tmp_path) == {"manifest"}


@needs("disableSslCertValidation")
def test_without_validation(open_lease: OpenLease, simulator: Simulator, tmp_path: Path) -> None:
    with session(simulator, sslContext=None, disableSslCertValidation=True) as service:
        assert export(open_lease, service, tmp_path) == {"manifest"}


@needs("sessionId")
def test_by_a_session_id(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    found = service._stub.cookie.split('"')[1]
    again = simulator.connect(sessionId=found)
    assert export(open_lease, again, tmp_path) == {"manifest"}
    again._stub.DropConnections()


def test_by_url(open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path) -> None:
    stub = own_stub(simulator, service, url=simulator.url)
    own: Any = vim.ServiceInstance("ServiceInstance", stub)
    own.content.sessionManager.Login(simulator.user, simulator.password)
    assert export(open_lease, own, tmp_path) == {"manifest"}
    own.content.sessionManager.Logout()
    stub.DropConnections()


def test_ipv6(open_lease: OpenLease, tmp_path: Path) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"not run: no IPv6 loopback here ({error})")
    with Simulator(host="::1", disk_host="::1", disk_size="1m", disks=1) as simulator:
        assert simulator.url.startswith("https://[::1]:")
        with session(simulator) as service:
            assert export(open_lease, service, tmp_path) == {"manifest"}
            assert {request["listener"] for request in simulator.requests()} == {"host"}


class TestSessionOriented:
    """``VimSessionOrientedStub``: logs in when it is first used, and again when it has to."""

    @pytest.fixture
    def oriented(self, simulator: Simulator, service: Any) -> Iterator[Any]:
        soap = own_stub(simulator, service)
        login = connect.VimSessionOrientedStub.makeUserLoginMethod(
            simulator.user, simulator.password
        )
        stub: Any = connect.VimSessionOrientedStub(soap, login)
        yield vim.ServiceInstance("ServiceInstance", stub)
        soap.DropConnections()

    def test_export(
        self, open_lease: OpenLease, simulator: Simulator, oriented: Any, tmp_path: Path
    ) -> None:
        assert export(open_lease, oriented, tmp_path) == {"manifest"}
        assert endings(simulator) == ["HttpNfcLeaseComplete"]

    def test_a_terminated_session_is_opened_again(
        self, open_lease: OpenLease, simulator: Simulator, service: Any, oriented: Any
    ) -> None:
        raw = demo_vm_of(oriented).ExportVm()
        lease = open_lease(raw, keep_alive=False)
        lease.wait_ready(10)
        for call in (lambda: lease.state, lambda: lease.Progress(5), lease.GetManifest):
            mine = oriented.content.sessionManager.currentSession.key
            service.content.sessionManager.TerminateSession([mine])
            call()
            assert oriented.content.sessionManager.currentSession.key != mine
        lease.Abort()
        assert len(simulator.calls("Login")) >= 3


@contextmanager
def through(simulator: Simulator, service: Any, port: int, **options: Any) -> Iterator[Any]:
    """A session through a proxy; not run where pyvmomi's own way through one is broken."""
    stub = own_stub(
        simulator,
        service,
        host=simulator.host,
        port=simulator.port,
        httpProxyHost="127.0.0.1",
        httpProxyPort=port,
        **options,
    )
    own: Any = vim.ServiceInstance("ServiceInstance", stub)
    try:
        manager = own.content.sessionManager
    except (TypeError, AttributeError) as error:
        pytest.skip(f"not run: the proxy of this pyvmomi is broken ({error})")
    manager.Login(simulator.user, simulator.password)
    yield own
    manager.Logout()
    stub.DropConnections()


class TestProxy:
    """``httpProxyHost``: calls and data go through a tunnel of the session's own proxy."""

    def test_everything_goes_through(
        self, open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
    ) -> None:
        target = tmp_path / "out"
        target.mkdir()
        wanted = {
            f"{simulator.host}:{simulator.port}",
            f"{simulator.disk_host}:{simulator.disk_port}",
        }
        with running_proxy(tmp_path) as proxy:
            with through(simulator, service, proxy.port) as own:
                assert export(open_lease, own, target) == {"manifest"}
            assert proxy.wait_for(wanted) >= wanted

    @needs("customHeaders")
    def test_a_proxy_that_wants_a_password(
        self, open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
    ) -> None:
        secret = base64.b64encode(b"user:s3cret").decode()
        headers = {"Proxy-Authorization": f"Basic {secret}"}
        target = tmp_path / "out"
        target.mkdir()
        with (
            running_proxy(tmp_path, credentials="user:s3cret") as proxy,
            through(simulator, service, proxy.port, customHeaders=headers) as own,
        ):
            assert export(open_lease, own, target) == {"manifest"}
        sent = [request["headers"] for request in simulator.requests()]
        assert sent
        sent += [call["headers"] for call in simulator.calls("HttpNfcLeaseProgress")]
        sent += [call["headers"] for call in simulator.calls("HttpNfcLeaseGetManifest")]
        assert not any(secret in str(headers) for headers in sent)

    @needs("serverPemCert")  # from that version on the stub says plainly where its proxy is
    def test_a_proxy_that_refuses(
        self,
        open_lease: OpenLease,
        demo_vm: Any,
        simulator: Simulator,
        service: Any,
        tmp_path: Path,
    ) -> None:
        raw = demo_vm.ExportVm()
        stub = own_stub(simulator, service)
        with running_proxy(tmp_path, credentials="user:s3cret") as proxy:
            stub.httpProxyHost, stub.httpProxyPort = "127.0.0.1", proxy.port
            stub._customHeaders = {"Proxy-Authorization": "Basic d3Jvbmc="}
            lease = open_lease(raw._moId, stub, keep_alive=False)
            with pytest.raises(nfclease.HttpStatusError) as caught:
                _ = lease.state
            lease.close()
        assert caught.value.status == 407
        assert f"the session's proxy 127.0.0.1:{proxy.port}" in str(caught.value)
        assert "d3Jvbmc" not in repr(caught.value)
        raw.Abort()

    @needs("serverPemCert")
    def test_a_proxy_that_refuses_the_keep_alive(
        self,
        open_lease: OpenLease,
        demo_vm: Any,
        simulator: Simulator,
        service: Any,
        tmp_path: Path,
    ) -> None:
        """It is asked once: a login that is tried again and again may be locked."""
        raw = demo_vm.ExportVm()
        stub = own_stub(simulator, service)
        with running_proxy(tmp_path, credentials="user:s3cret") as proxy:
            stub.httpProxyHost, stub.httpProxyPort = "127.0.0.1", proxy.port
            lease = open_lease(raw._moId, stub)
            began = time.monotonic()
            with pytest.raises(nfclease.HttpStatusError, match="407"):
                lease.wait_ready(30)
            assert time.monotonic() - began < 5
            lease.close()
        raw.Abort()


@pytest.fixture(scope="module")
def client_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """CA, certificate and key of a client."""
    folder = tmp_path_factory.mktemp("client")
    authority = trustme.CA()
    leaf = authority.issue_cert("script@example.com")
    paths = [str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")]
    authority.cert_pem.write_to_path(paths[0])
    leaf.cert_chain_pems[0].write_to_path(paths[1])
    leaf.private_key_pem.write_to_path(paths[2])
    return paths[0], paths[1], paths[2]


@pytest.fixture(scope="module")
def demanding(client_files: tuple[str, str, str]) -> Iterator[Simulator]:
    """A server that wants to see a client certificate."""
    authority, certificate, key = client_files
    options = {"client_ca": authority, "disk_size": "1m", "disks": 1}
    with Simulator(client_certificate=(certificate, key), **options) as simulator:
        yield simulator


class TestClientCertificate:
    """The key is read from the files that the stub was given."""

    @pytest.mark.filterwarnings("ignore:key_file, cert_file:DeprecationWarning")  # of pyvmomi 7
    def test_files(
        self,
        open_lease: OpenLease,
        demanding: Simulator,
        client_files: tuple[str, str, str],
        tmp_path: Path,
    ) -> None:
        _, certificate, key = client_files
        with session(demanding) as service:
            # SmartConnect's certFile and keyFile lose the context's own CAs in pyvmomi itself.
            stub = own_stub(
                demanding,
                service,
                host=demanding.host,
                port=demanding.port,
                certFile=certificate,
                certKeyFile=key,
                cacertsFile=demanding.ca_file,
            )
        own: Any = vim.ServiceInstance("ServiceInstance", stub)
        own.content.sessionManager.Login(demanding.user, demanding.password)
        assert export(open_lease, own, tmp_path) == {"manifest"}
        own.content.sessionManager.Logout()
        stub.DropConnections()

    def test_a_key_inside_the_context(self, open_lease: OpenLease, demanding: Simulator) -> None:
        with session(demanding) as service:
            raw = demo_vm_of(service).ExportVm()
            lease = open_lease(raw, keep_alive=False)
            with pytest.raises(OSError, match="give certFile and keyFile"):
                _ = lease.state
            lease.close()
            raw.Abort()


def test_what_cannot_be_followed(open_lease: OpenLease, simulator: Simulator, service: Any) -> None:
    for stub in (
        SoapAdapter.SoapStubAdapter(sock="/run/vpxd.sock"),
        SoapAdapter.SoapStubAdapter("h", sslProxyPath="/sdkTunnel"),
        SoapAdapter.SoapStubAdapter("::1", httpProxyHost="proxy.example"),
    ):
        with pytest.raises(ValueError, match="not supported"):
            open_lease("lease-1", stub)


def test_the_stub_is_left_alone(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    def known() -> dict[str, Any]:
        """Without what pyvmomi itself keeps there: connections, and before 8 a collector."""
        stub = vars(service._stub)
        return {name: value for name, value in stub.items() if name not in ("pool", "_pc")}

    before = known()
    assert export(open_lease, service, tmp_path) == {"manifest"}
    assert known() == before
