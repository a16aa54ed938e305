"""Pull mode: the server fetches the files of an import itself, from other servers."""

from __future__ import annotations

import hashlib
import io
import ssl
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import trustme
from pyVmomi import SoapAdapter

from nfclease.simulator import Simulator
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk
from nfclease.simulator.soap.vsphere import vim, vmodl

from .support.calls import disks, manifest, ready, request, wait_for_task
from .support.imports import open_import, url_of

DISK = b"".join(StreamOptimizedDisk(3 << 20).chunks())
LONG = "a-very-long-directory-name/" * 5 + "disk.vmdk"


def archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in (("x.ovf", b"<x/>"), ("disk.vmdk", DISK), (LONG, DISK)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


class Files(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    contents: ClassVar[dict[str, bytes]] = {
        "/disk.vmdk": DISK,
        "/x.ova": archive(),
        "/cut.ova": archive()[:4096],
        "/page": b"x",
    }

    def do_GET(self) -> None:  # noqa: N802
        body = self.contents.get(self.path)
        wanted = self.headers.get("X-Secret", "yes") == "yes"
        self.send_response(404 if body is None else 200 if wanted else 403)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def source() -> Iterator[tuple[str, str]]:
    """The URL of a server with TLS, and the thumbprint of its certificate."""
    leaf = trustme.CA().issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    digest = hashlib.sha1(der).hexdigest().upper()
    yield (
        f"https://127.0.0.1:{server.server_port}",
        ":".join(digest[at : at + 2] for at in range(0, 40, 2)),
    )
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def opened(service: Any) -> Iterator[tuple[Any, list[Any]]]:
    """A lease and the items of its disks."""
    lease, items = open_import(service, "pulled")
    yield lease, [item for item in items if not item.create]
    if lease.state == "ready":
        lease.Abort()


def file(source: tuple[str, str], item: Any, path: str = "/disk.vmdk", **fields: Any) -> Any:
    url, thumbprint = source
    given = {"url": url + path, "sslThumbprint": thumbprint, "create": False, **fields}
    return vim.HttpNfcLease.SourceFile(targetDeviceId=item.deviceId, **given)


def test_disks_are_fetched(
    simulator: Simulator, source: tuple[str, str], opened: tuple[Any, list[Any]]
) -> None:
    lease, [first, second, third] = opened
    assert lease.capabilities.pullModeSupported
    assert lease.mode == "pushOrGet"
    sources = [
        file(source, first, size=len(DISK)),
        file(source, second, "/x.ova", memberName="disk.vmdk"),
        file(source, third, "/x.ova", memberName=LONG, size=len(DISK)),
    ]
    wait_for_task(lease.PullFromUrls(sources))
    assert lease.mode == "pull"
    sums = manifest(lease)
    for item in (first, second, third):
        entry = sums[url_of(lease, item).key]
        assert (entry.sha1, entry.size) == (hashlib.sha1(DISK).hexdigest(), len(DISK))
    made = lease.info.entity
    lease.Complete()
    received = [f["received"] for f in simulator.vm_files("pulled") if f["kind"] == "disk"]
    assert received == [[len(DISK), hashlib.sha1(DISK).hexdigest()]] * 3
    again = ready(made.ExportVm())
    assert len(disks(again)) == 3
    again.Complete()
    wait_for_task(made.Destroy_Task())


@pytest.mark.parametrize(
    ("path", "fields", "fault", "text"),
    [
        ("/none", {}, vim.fault.HttpFault, "404"),
        ("/disk.vmdk", {"httpHeaders": {"X-Secret": "no"}}, vim.fault.HttpFault, "403"),
        ("/disk.vmdk", {"sslThumbprint": "00:" * 19 + "00"}, vim.fault.SSLVerifyFault, ""),
        ("/disk.vmdk", {"sslThumbprint": None}, vim.fault.HttpFault, "certificate"),
        ("/disk.vmdk", {"size": 7}, vim.fault.FileFault, "not 7"),
        ("/page", {}, vim.fault.FileFault, "is not a disk"),
        ("/x.ova", {"memberName": "none.vmdk"}, vim.fault.FileNotFound, "none.vmdk"),
        ("/x.ova", {"memberName": "disk.vmdk", "size": 7}, vim.fault.FileFault, "not 7"),
        ("/disk.vmdk", {"memberName": "x"}, vim.fault.FileFault, ""),
        ("/cut.ova", {"memberName": "disk.vmdk"}, vim.fault.HttpFault, "ends"),
        ("/disk.vmdk", {"targetDeviceId": "/x/y"}, vmodl.fault.InvalidArgument, "targetDeviceId"),
    ],
)
def test_what_cannot_be_fetched(
    source: tuple[str, str],
    opened: tuple[Any, list[Any]],
    path: str,
    fields: dict[str, Any],
    fault: Any,
    text: str,
) -> None:
    lease, [first, *_] = opened
    fields = dict(fields)
    headers = fields.pop("httpHeaders", {})
    given = file(source, first, path)
    given.httpHeaders = [vim.KeyValue(key=key, value=value) for key, value in headers.items()]
    for name, value in fields.items():
        setattr(given, name, value)
    with pytest.raises(fault) as caught:
        wait_for_task(lease.PullFromUrls([given]))
    assert text in caught.value.msg
    assert lease.state == "ready"
    assert manifest(lease) == {}


@pytest.mark.skipif(
    not hasattr(vim.HttpNfcLease.SourceFile(), "sslCertificate"), reason="pyvmomi is older than it"
)
@pytest.mark.parametrize("whose", ["server", "stranger", "nobody"])
def test_a_certificate_decides(source: tuple[str, str], whose: str) -> None:
    url, _ = source
    host, port = url.removeprefix("https://").split(":")
    pems = {
        "server": ssl.get_server_certificate((host, int(port))),
        "stranger": trustme.CA().issue_cert(host).cert_chain_pems[0].bytes().decode(),
        "nobody": "not a certificate",
    }
    # The field is as new as this version.
    with Simulator(disk_size="1m", initializing=0, api_version="9.0.0.0") as simulator:
        service = simulator.connect()
        lease, items = open_import(service, "pulled")
        item = next(item for item in items if not item.create)  # a disk
        given = file(source, item, sslThumbprint=None, sslCertificate=pems[whose])
        probed = lease.ProbeUrls([given], 5)
        task = lease.PullFromUrls([given])
        if whose == "server":
            wait_for_task(task)
            [entry] = lease.GetManifest()
            assert (entry.sha1, entry.size) == (hashlib.sha1(DISK).hexdigest(), len(DISK))
        else:
            refused = vim.fault.SSLVerifyFault if whose == "stranger" else vim.fault.FileFault
            with pytest.raises(refused) as caught:
                wait_for_task(task)
            assert not getattr(caught.value, "selfSigned", False)  # a CA has issued it
            assert lease.GetManifest() == []
        assert [one.serverAccessible for one in probed] == [whose == "server"]
        lease.Abort()


def test_progress_and_cancel(
    simulator: Simulator, source: tuple[str, str], opened: tuple[Any, list[Any]]
) -> None:
    lease, [first, *_] = opened
    simulator.inject("stall", method="PULL", after_bytes=len(DISK) // 2)
    task = lease.PullFromUrls([file(source, first)])
    while not 30 <= (task.info.progress or 0) <= 50:
        assert task.info.state == "running"
    task.Cancel()
    with pytest.raises(vmodl.fault.RequestCanceled):
        wait_for_task(task)


@pytest.mark.parametrize("how", ["cut", "expire"])
def test_a_pull_that_breaks(
    simulator: Simulator, source: tuple[str, str], opened: tuple[Any, list[Any]], how: str
) -> None:
    lease, [first, *_] = opened
    simulator.inject(how, method="PULL", after_bytes=4096)
    task = lease.PullFromUrls([file(source, first)])
    with pytest.raises(vmodl.MethodFault):
        wait_for_task(task)
    assert (lease.state == "error") == (how == "expire")


def test_sources_are_probed(source: tuple[str, str], opened: tuple[Any, list[Any]]) -> None:
    lease, [first, *_] = opened
    wrong = file(source, first, sslThumbprint="00:" * 19 + "00")
    nobody = file(("https://127.0.0.1:1", source[1]), first)
    probed = lease.ProbeUrls([file(source, first), wrong, nobody], 5)
    assert [one.serverAccessible for one in probed] == [True, False, False]


def test_the_service_says_where_it_is(simulator: Simulator) -> None:
    root = f"https://{simulator.host}:{simulator.port}/sdk"
    for path in ("vimService.wsdl", "vimService?wsdl", "vimServiceVersions.xml"):
        response, body = request("GET", f"{root}/{path}")
        assert response.status == 200, path
        assert path.startswith("vimServiceV") or f"{root}/vimService".encode() in body
    stub = SoapAdapter.SoapStubAdapter(
        host=simulator.host,
        port=simulator.port,
        path="/sdk/vimService",
        sslContext=simulator.ssl_context(),
        version="vim.version.version12",
    )
    service = vim.ServiceInstance("ServiceInstance", stub)
    assert service.content.about.apiType == "VirtualCenter"
