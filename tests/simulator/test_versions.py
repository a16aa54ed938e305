"""What a client of each API version sees, and what it is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import VmomiSupport, vim, vmodl

from nfclease.simulator import Simulator

from .support.calls import by_path, disks, get, manifest, ready, request
from .support.wire import Wire

#: As given, apiVersion, the product's version, pyvmomi's name; each newer than the one before.
VERSIONS = [
    ("6.5", "6.5", "6.5.0", "vim.version.version11"),
    ("6.7", "6.7", "6.7.0", "vim.version.version12"),
    ("6.7.3", "6.7.3", "6.7.3", "vim.version.version15"),
    ("7.0", "7.0.0.0", "7.0.0", "vim.version.v7_0"),
    ("7.0.2", "7.0.2.0", "7.0.2", "vim.version.v7_0_2_0"),
    ("8.0", "8.0.0.0", "8.0.0", "vim.version.v8_0_0_0"),
    ("8.0.3", "8.0.3.0", "8.0.3", "vim.version.v8_0_3_0"),
    ("8.0.3.1", "8.0.3.1", "8.0.3", "vim.version.v8_0_3_1"),
    ("9.0", "9.0.0.0", "9.0.0", "vim.version.v9_0_0_0"),
]
SINCE_6_7 = ("transferProgress", "mode", "capabilities")
_support: Any = VmomiSupport
_vmodl: Any = vmodl

pytestmark = pytest.mark.skipif(
    "vim25/9.0.0.0" not in _support.versionMap, reason="needs pyvmomi 9.0"
)


@pytest.fixture(scope="module")
def newest() -> Iterator[Simulator]:
    """A 9.0 server, for clients of any version."""
    with Simulator(disk_size=1 << 20, disks=1, initializing=0, api_version="9.0") as simulator:
        yield simulator


@contextmanager
def exported(simulator: Simulator, version: str) -> Iterator[Any]:
    """A ready lease in a session of a version."""
    session = simulator.connect(version=version)
    lease = ready(by_path(session, "vm/demo-vm").ExportVm())
    try:
        yield lease
    finally:
        lease.Abort()
        Disconnect(session)


def wire_of(simulator: Simulator, lease: Any) -> Wire:
    """The same session, without pyvmomi's own idea of versions."""
    wire = Wire(simulator)
    wire.cookie = lease._stub.cookie.partition(";")[0]
    return wire


def envelope_of(method: str, lease: Any, arguments: str = "") -> str:
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<{method} xmlns="urn:vim25"><_this type="HttpNfcLease">{lease._moId}</_this>{arguments}'
        f"</{method}></e:Body></e:Envelope>"
    )


@pytest.mark.parametrize(("given", "api", "product", "name"), VERSIONS)
def test_a_server_of_each_version(given: str, api: str, product: str, name: str) -> None:
    with Simulator(disks=1, api_version=given) as simulator:
        session = simulator.connect()
        about = session.content.about
        _, xml = request("GET", simulator.url.replace("/sdk", "/sdk/vimServiceVersions.xml"))
        Disconnect(session)
    assert (about.apiVersion, about.version) == (api, product)
    assert f" {product} build-" in about.fullName
    assert session._stub.version == name
    offered = re.findall(r"<version>(.*?)</version>", xml.decode())
    assert offered[0] == api
    known = [row[1] for row in VERSIONS]
    assert [version for version in known if version in offered] == known[: known.index(api) + 1]


@pytest.mark.parametrize("given", ["8.0.4", "8.0.3.0.0", "v8", "", "vim25/8.0"])
def test_versions_that_are_none(given: str) -> None:
    from nfclease.simulator.world import version_of

    with pytest.raises(ValueError, match="does not know the API version"):
        version_of(given)


@pytest.mark.parametrize(("given", "api", "product", "name"), VERSIONS)
def test_fields_newer_than_the_client_are_not_sent(
    newest: Simulator, given: str, api: str, product: str, name: str
) -> None:
    """On the wire, for pyvmomi ignores elements that its version does not have."""
    with exported(newest, name) as lease:
        disk = disks(lease)[0]
        get(disk.url)
        wire, action = wire_of(newest, lease), f'"urn:vim25/{api}"'
        info = wire.post(envelope_of("Fetch", lease, "<prop>info</prop>"), action).text
        sums = wire.post(envelope_of("HttpNfcLeaseGetManifest", lease), action).text
        entry = manifest(lease)[disk.key]
    release = tuple(map(int, api.split(".")))
    assert ("<sslThumbprint>" in info, "<sha1>" in sums) == (True, True)
    assert ("<sslCertificate>" in info) == bool(disk.sslCertificate) == (release >= (9, 0))
    assert ("<checksum>" in sums) == (entry.checksum == entry.sha1) == (release >= (6, 7))
    assert ("<checksumType>" in sums) == (entry.checksumType == "sha1") == (release >= (6, 7))


def test_a_newer_property_is_refused_by_the_client_and_by_the_server(newest: Simulator) -> None:
    with exported(newest, "vim.version.version11") as lease:
        wire = wire_of(newest, lease)
        before = len(newest.calls())
        for name in SINCE_6_7:
            with pytest.raises(_vmodl.fault.MethodNotFound):
                getattr(lease, name)
        assert len(newest.calls()) == before
        for name in SINCE_6_7:
            asked = envelope_of("Fetch", lease, f"<prop>{name}</prop>")
            old, new = (wire.post(asked, f'"urn:vim25/{v}"') for v in ("6.5", "6.7"))
            assert old.status == 500
            assert "InvalidPropertyFault" in old.text
            assert f"<name>{name}</name>" in old.text
            assert new.status == 200


def test_a_property_collector_reads_with_the_eyes_of_its_client(newest: Simulator) -> None:
    collector = vmodl.query.PropertyCollector
    with exported(newest, "vim.version.version11") as lease:
        service: Any = vim.ServiceInstance("ServiceInstance", lease._stub)

        def read(*paths: str) -> set[str]:
            spec = collector.FilterSpec(
                objectSet=[collector.ObjectSpec(obj=lease)],
                propSet=[
                    collector.PropertySpec(
                        type=vim.HttpNfcLease, all=not paths, pathSet=list(paths)
                    )
                ],
            )
            found = service.content.propertyCollector.RetrieveContents([spec])
            return {prop.name for prop in found[0].propSet}

        assert read() == {"initializeProgress", "info", "state"}
        assert read("info.leaseTimeout", "state") == {"info.leaseTimeout", "state"}
        for path in ("mode", "capabilities.corsSupported"):
            with pytest.raises(_vmodl.query.InvalidProperty) as caught:
                read("state", path)
            assert caught.value.name == path


@pytest.mark.parametrize(
    ("method", "since", "before"),
    [
        ("HttpNfcLeaseGetManifest", "4.1", "4.0"),
        ("HttpNfcLeaseSetManifestChecksumType", "6.7", "6.5"),
        ("HttpNfcLeaseProbeUrls", "7.0.2.0", "7.0.1.1"),
    ],
)
def test_a_newer_method_is_not_found(
    newest: Simulator, method: str, since: str, before: str
) -> None:
    with exported(newest, _support.versionMap[f"vim25/{since}"]) as lease:
        wire, asked = wire_of(newest, lease), envelope_of(method, lease)
        old, new = (wire.post(asked, f'"urn:vim25/{v}"') for v in (before, since))
    assert "MethodNotFoundFault" in old.text
    assert f"<method>{method}</method>" in old.text
    assert "MethodNotFoundFault" not in new.text


def test_the_client_itself_refuses_a_newer_method(newest: Simulator) -> None:
    with exported(newest, "vim.version.version11") as lease:
        before = len(newest.calls())
        with pytest.raises(_vmodl.fault.MethodNotFound):
            lease.SetManifestChecksumType([])
        assert len(newest.calls()) == before


def test_a_client_newer_than_the_server_is_answered_as_the_server_can() -> None:
    """As govc asks: in its own newest version, whatever the server is."""
    with (
        Simulator(disk_size=1 << 20, disks=1, initializing=0, api_version="6.5") as simulator,
        exported(simulator, "vim.version.v9_0_0_0") as lease,
    ):
        wire = wire_of(simulator, lease)
        info = wire.post(envelope_of("Fetch", lease, "<prop>info</prop>"), "urn:vim25/9.1.0.0")
        with pytest.raises(_vmodl.query.InvalidProperty):
            _ = lease.mode
        with pytest.raises(_vmodl.fault.MethodNotFound):
            lease.SetManifestChecksumType([])
    assert info.status == 200
    assert "<leaseTimeout>" in info.text
    assert "<sslCertificate>" not in info.text
