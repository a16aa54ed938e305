"""`upload_all` and the addresses of `urls`, of a download and of an upload."""

from __future__ import annotations

import gzip
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.forwarding import Forwarder, forwarding
from ..support.imports import descriptor_of
from ..support.leases import endings
from ..support.packages import ova


def sent(simulator: Simulator) -> list[str]:
    return [request["disk"] for request in simulator.requests()]


def test_every_file_of_an_import(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    with open_lease(raw, require_uploads=spec.fileItem) as lease:
        results = lease.upload_all(spec.fileItem, tmp_path)
    assert [result.name for result in results] == [item.path for item in spec.fileItem]
    assert {result.verified for result in results} == {"manifest"}
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_missing_files_are_all_named_before_one_is_sent(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    gone = [item.path for item in spec.fileItem[1:]]
    for name in gone:
        (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError) as raised, open_lease(raw) as lease:
        lease.upload_all(spec.fileItem, str(tmp_path))
    for name in gone:
        assert name in str(raised.value)
    assert raised.value.filename == str(tmp_path)
    assert sent(simulator) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.fixture
def described_delta(service: Any, demo_vm: Any, tmp_path: Path) -> Path:
    """A descriptor beside the exported files, of which one disk is the delta of another one."""
    text = descriptor_of(service, demo_vm)
    first, second = re.findall(r'<Disk [^>]*ovf:diskId="(\w+)"', text)[:2]
    text = text.replace(f'ovf:diskId="{second}"', f'ovf:diskId="{second}" ovf:parentRef="{first}"')
    path = tmp_path / "x.ovf"
    path.write_text(text, encoding="utf-8")
    return path


def one_after_another(simulator: Simulator) -> bool:
    pairs = itertools.pairwise(simulator.requests())
    return all(first["ended"] <= second["started"] for first, second in pairs)


@pytest.mark.parametrize("kind", ["directory", "descriptor", "archive"])
def test_a_package_with_a_delta_on_another_device(
    open_lease: OpenLease,
    simulator: Simulator,
    raw: Any,
    spec: Any,
    described_delta: Path,
    kind: str,
) -> None:
    source = described_delta.parent
    if kind == "descriptor":
        source = described_delta
    elif kind == "archive":
        names = [described_delta.name, *(item.path for item in spec.fileItem)]
        source = source / "x.ova"
        files = {name: (described_delta.parent / name).read_bytes() for name in names}
        source.write_bytes(ova(files))
    simulator.inject("bandwidth", method="POST", bytes_per_second=8 << 20)
    with open_lease(raw, require_uploads=spec.fileItem) as lease:
        results = lease.upload_all(spec.fileItem, source)
    assert [result.name for result in results] == [item.path for item in spec.fileItem]
    assert one_after_another(simulator)


def test_a_delta_is_not_sent_after_a_failure(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, described_delta: Path
) -> None:
    simulator.inject("status", method="PUT", code=500, count=1)
    options = {"max_retries": 0}
    with pytest.raises(nfclease.HttpStatusError), open_lease(raw, **options) as lease:
        lease.upload_all(spec.fileItem, described_delta.parent)
    assert len(sent(simulator)) == 1
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize(
    "path", ["../disk.vmdk", "/etc/passwd", "a//b", "a\\b", "c:x", "%2e%2e/x", ""]
)
def test_a_path_that_leaves_the_directory(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path, path: str
) -> None:
    spec.fileItem[0].path = path
    with pytest.raises(nfclease.UnsafePathError, match="href"), open_lease(raw) as lease:
        lease.upload_all(spec.fileItem, tmp_path)
    assert sent(simulator) == []


def test_a_name_with_percent_signs(
    open_lease: OpenLease, raw: Any, spec: Any, tmp_path: Path
) -> None:
    item = spec.fileItem[0]
    (tmp_path / item.path).rename(tmp_path / "the disk.vmdk")
    item.path = "the%20disk.vmdk"
    with open_lease(raw) as lease:
        assert lease.upload_all(spec.fileItem, tmp_path)[0].verified == "manifest"


def test_every_file_of_an_archive(
    open_lease: OpenLease, raw: Any, spec: Any, tmp_path: Path
) -> None:
    path = tmp_path / "x.ova"
    members = {item.path: (tmp_path / item.path).read_bytes() for item in spec.fileItem}
    path.write_bytes(ova({"x.ovf": b"<Envelope/>", **members}))
    with open_lease(raw, require_uploads=spec.fileItem) as lease:
        assert {one.verified for one in lease.upload_all(spec.fileItem, path)} == {"manifest"}


def test_a_member_that_is_missing(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    path = tmp_path / "x.ova"
    path.write_bytes(ova({"x.ovf": b"<Envelope/>"}))
    with pytest.raises(FileNotFoundError) as raised, open_lease(raw) as lease:
        lease.upload_all(spec.fileItem, path)
    assert all(item.path in str(raised.value) for item in spec.fileItem)
    assert sent(simulator) == []


def test_a_compressed_file(open_lease: OpenLease, raw: Any, spec: Any, tmp_path: Path) -> None:
    item = spec.fileItem[0]
    path = tmp_path / item.path
    data = path.read_bytes()
    path.write_bytes(gzip.compress(data))
    (tmp_path / "x.ovf").write_text("<Envelope/>")
    item.compressionMethod = "gzip"
    with open_lease(raw) as lease:
        assert lease.upload_all(spec.fileItem, tmp_path)[0].bytes == len(data)


@pytest.mark.parametrize(
    ("items", "source"), [([1], "."), (None, b"x"), (None, "missing"), (None, __file__)]
)
def test_arguments(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, items: Any, source: Any
) -> None:
    with pytest.raises((TypeError, OSError, nfclease.PackageError)), open_lease(raw) as lease:
        lease.upload_all(items or spec.fileItem, source)
    assert sent(simulator) == []


@pytest.fixture
def forwarder() -> Iterator[Forwarder]:
    with forwarding() as made:
        yield made


def test_another_address_of_each_device(
    open_lease: OpenLease, demo_vm: Any, tmp_path: Path, forwarder: Forwarder
) -> None:
    seen: list[str] = []

    def urls(device_url: Any) -> str:
        seen.append(device_url.key)
        return forwarder.url(device_url.url)

    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        transfers = lease.download_all(tmp_path, urls=urls)
    assert seen == [result.key for result in transfers]
    assert {result.verified for result in transfers} == {"manifest"}
    assert forwarder.connections


def test_another_address_for_uploads(
    open_lease: OpenLease, raw: Any, spec: Any, tmp_path: Path, forwarder: Forwarder
) -> None:
    with open_lease(raw) as lease:
        lease.upload_all(spec.fileItem, tmp_path, urls=lambda each: forwarder.url(each.url))
    assert forwarder.connections


def test_an_error_names_the_host_that_was_asked(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path, forwarder: Forwarder
) -> None:
    simulator.inject("status", method="GET", code=404)
    with pytest.raises(nfclease.HttpStatusError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.download_all(tmp_path, urls=lambda each: forwarder.url(each.url))
    assert raised.value.host == "localhost"


def test_urls_must_give_a_text(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match="urls must"), open_lease(demo_vm.ExportVm()) as lease:
        lease.download_all(tmp_path / "out", urls=lambda _: None)
    assert sent(simulator) == []
    assert not (tmp_path / "out").exists()
