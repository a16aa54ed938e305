"""An import is completed when the server has what it needs, and not because a host said 200."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import endings


def item_of(spec: Any, path: str) -> Any:
    [item] = [item for item in spec.fileItem if item.path == path]
    return item


def send(lease: Any, spec: Any, directory: Path, *without: str) -> list[nfclease.TransferResult]:
    lease.wait_ready(10)
    items = [item for item in spec.fileItem if item.path not in without]
    started = [lease.start_upload(item, directory / item.path) for item in items]
    return [one.result(60) for one in started]


def test_a_page_for_an_upload(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    """The host kept nothing of it, and its manifest lists the other files."""
    page = {"method": "POST", "disk": item_of(spec, "disk-2.vmdk").deviceId}
    simulator.inject("html", match=page, after=True)
    with pytest.raises(nfclease.NfcError, match=r"^disk-2\.vmdk at "), open_lease(raw) as lease:
        send(lease, spec, tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_page_where_nothing_is_listed(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path, method: str
) -> None:
    simulator.inject("no_manifest")
    simulator.inject("html", method=method, after=True)
    with pytest.raises(nfclease.ProtocolError, match="page") as raised, open_lease(raw) as lease:
        send(lease, spec, tmp_path)
    assert raised.value.phase == "headers"
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_an_upload_that_only_the_host_confirms(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    simulator.inject("no_manifest")
    with open_lease(raw) as lease:
        results = send(lease, spec, tmp_path)
    assert {result.verified for result in results} == {"stream"}
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("require", [None, False])
def test_an_upload_that_the_manifest_leaves_out(
    open_lease: OpenLease,
    simulator: Simulator,
    raw: Any,
    spec: Any,
    tmp_path: Path,
    require: bool | None,
) -> None:
    simulator.inject("manifest", disk=item_of(spec, "disk-2.vmdk").deviceId, missing=True)
    lease = open_lease(raw, require_manifest=require)
    if require is None:
        with pytest.raises(nfclease.ManifestError, match=r"^disk-2\.vmdk .*lists other"), lease:
            send(lease, spec, tmp_path)
    else:
        with lease:
            results = {one.name: one.verified for one in send(lease, spec, tmp_path)}
        assert results["disk-2.vmdk"] == "stream"
        assert results["disk-1.vmdk"] == "manifest"
    ending = "HttpNfcLeaseAbort" if require is None else "HttpNfcLeaseComplete"
    assert endings(simulator) == [ending]


def test_nothing_is_sent(open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any) -> None:
    with pytest.raises(nfclease.MissingUploadError) as raised, open_lease(raw) as lease:
        lease.wait_ready(10)
    for item in spec.fileItem:
        assert item.deviceId in str(raised.value)
    assert (raised.value.lease_state, raised.value.lease_outcome) == ("ready", "aborted")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_file_is_forgotten(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    forgotten = item_of(spec, "disk-2.vmdk")
    with pytest.raises(nfclease.MissingUploadError) as raised, open_lease(raw) as lease:
        send(lease, spec, tmp_path, forgotten.path)
    assert f"({forgotten.deviceId})" in str(raised.value)
    assert "require_uploads=" in str(raised.value)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("required", ["none", "the others"])
def test_who_means_it(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path, required: str
) -> None:
    others = [item for item in spec.fileItem if item.path != "disk-2.vmdk"]
    lease = open_lease(raw, require_uploads=False if required == "none" else others)
    with lease:
        send(lease, spec, tmp_path, "disk-2.vmdk")
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_the_items_of_the_descriptor(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    lease = open_lease(raw, require_uploads=spec.fileItem)
    with pytest.raises(nfclease.MissingUploadError, match="nvram"), lease:
        send(lease, spec, tmp_path, "demo-vm.nvram")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_what_the_script_sent_itself(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    """Its loop is its own, and the manifest lists what arrived."""
    by_hand = item_of(spec, "disk-2.vmdk")
    with open_lease(raw) as lease:
        devices = {url.importKey: url for url in lease.wait_ready(10).deviceUrl}
        url = devices[by_hand.deviceId].url
        data = (tmp_path / by_hand.path).read_bytes()
        headers = {"Content-Type": "application/x-vnd.vmware-streamVmdk"}
        sent = urllib.request.Request(url, data=data, headers=headers, method="POST")
        urllib.request.urlopen(sent, context=ssl._create_unverified_context()).read()
        send(lease, spec, tmp_path, by_hand.path)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_complete_of_the_script_s_own(
    open_lease: OpenLease, simulator: Simulator, raw: Any
) -> None:
    with open_lease(raw) as lease:
        lease.wait_ready(10)
        lease.Complete()
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("value", [1, "yes", [1], ["/vm/disk:0"]])
def test_what_is_required_must_be_items(
    open_lease: OpenLease, simulator: Simulator, raw: Any, value: Any
) -> None:
    with pytest.raises(TypeError, match="require_uploads"):
        open_lease(raw, require_uploads=value)
