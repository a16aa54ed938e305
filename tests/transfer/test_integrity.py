"""Broken bytes and impostors: the named error, no final file, no partial file, one Abort."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import import_spec, import_vm
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings

MIDDLE = DISK_SIZE // 2

CASES = [
    pytest.param("flip", {"offset": MIDDLE}, nfclease.ChecksumMismatchError, 2, id="flipped byte"),
    pytest.param(
        "cut",
        {"after_bytes": MIDDLE, "how": "clean"},
        nfclease.TruncatedError,
        2,
        id="no last chunk",
    ),
    pytest.param(
        "cut", {"after_bytes": MIDDLE, "how": "reset"}, nfclease.TruncatedError, 2, id="reset"
    ),
    pytest.param(
        "cut",
        {"after_bytes": 131072 + 66048, "how": "close_delimited"},
        nfclease.TruncatedError,
        2,
        id="cut at a grain boundary with a clean close",
    ),
    pytest.param(
        "cut",
        {"after_bytes": 65536 + 66048, "how": "end"},
        nfclease.TruncatedError,
        2,
        id="short but well-formed",
    ),
    pytest.param("empty", {}, nfclease.TruncatedError, 2, id="empty 200"),
    pytest.param("html", {}, nfclease.DiskFormatError, 1, id="HTML page"),
    pytest.param("status", {"code": 503}, nfclease.HttpStatusError, 2, id="503"),
    pytest.param("status", {"code": 404}, nfclease.HttpStatusError, 1, id="404"),
    pytest.param(
        "redirect",
        {"location": "https://127.0.0.1:9/elsewhere"},
        nfclease.UnexpectedRedirectError,
        1,
        id="redirect",
    ),
]


@pytest.mark.parametrize(("fault", "params", "error", "attempts"), CASES)
def test_a_broken_disk(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    fault: str,
    params: dict[str, Any],
    error: type[Exception],
    attempts: int,
) -> None:
    simulator.inject(fault, disk="disk-1.vmdk", **params)
    with pytest.raises(error) as raised, open_lease(demo_vm.ExportVm(), max_retries=1) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    names = [path.name for path in tmp_path.iterdir()]
    assert "disk-1.vmdk" not in names
    assert not [name for name in names if name.endswith(".part")]
    seen = raised.value
    assert isinstance(seen, nfclease.NfcError)
    assert seen.attempts == attempts
    assert (seen.lease_state, seen.lease_outcome) == ("ready", "aborted")
    assert seen.disk_key
    assert "disk-1.vmdk" in str(seen)


def test_a_second_get_helps(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("flip", disk="disk-1.vmdk", count=1, offset=MIDDLE)
    simulator.inject("cut", disk="disk-2.vmdk", count=1, after_bytes=MIDDLE, how="reset")
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        results = {result.name: result for result in lease.download_all(tmp_path)}
    assert results["disk-1.vmdk"].attempts == results["disk-2.vmdk"].attempts == 2
    assert results["disk-3.vmdk"].attempts == 1
    assert all(result.verified == "manifest" for result in results.values())
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_wrong_certificate(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("wrong_certificate", listener="host")
    with (
        pytest.raises(nfclease.ThumbprintMismatchError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert simulator.disk_thumbprint_sha1 is not None
    expected = simulator.disk_thumbprint_sha1.replace(":", "").lower()
    assert raised.value.expected == expected != raised.value.actual
    assert raised.value.attempts == 1
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_an_http_url(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("http_url", disk=".vmdk")
    with pytest.raises(nfclease.InsecureUrlError), open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert not [r for r in simulator.requests() if r["path"].endswith(".vmdk")]
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_the_last_look_before_complete(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    with pytest.raises(nfclease.ChecksumMismatchError), open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
        simulator.inject("manifest", sha1="0" * 40, count=1)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def lists_only_sha256(lease: Any, simulator: Simulator) -> Any:
    """A disk of which the server lists nothing else, by no doing of the core's."""
    lease.wait_ready(10)
    disk = disk_of(lease)
    lease.SetManifestChecksumType([vim.KeyValue(key=disk.key, value="sha256")])
    simulator.inject("manifest", disk=".vmdk", sha1="", checksumType="SHA-256")
    return disk


def test_sha256_that_nobody_asked_for(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "disk.vmdk"
    with open_lease(demo_vm.ExportVm(), require_manifest=True) as lease:
        result = lease.download(lists_only_sha256(lease, simulator), path)
    assert (result.verified, result.checksum_type) == ("manifest", "sha256")
    assert result.checksum == hashlib.sha256(path.read_bytes()).hexdigest()
    assert result.attempts == 1
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_sha256_that_nobody_asked_for_and_that_differs(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    listed: dict[str, Any] = {"sha1": "", "checksum": "0" * 64, "checksumType": "sha256"}
    simulator.inject("manifest", disk=".vmdk", **listed)
    with (
        pytest.raises(nfclease.ChecksumMismatchError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        lease.download(disk_of(lease), tmp_path / "disk.vmdk")
    assert (raised.value.checksum_type, raised.value.attempts) == ("sha256", 2)
    assert raised.value.expected == "0" * 64
    assert list(tmp_path.iterdir()) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_sha256_of_what_is_not_read_again(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        result = lease.download(lists_only_sha256(lease, simulator), io.BytesIO())
    assert (result.verified, result.checksum_type) == ("stream", "sha1")
    # Who asks for SHA-1 gets no other.
    with open_lease(demo_vm.ExportVm(), checksum_type="sha1") as lease:
        result = lease.download(lists_only_sha256(lease, simulator), tmp_path / "disk.vmdk")
    assert (result.verified, result.checksum_type) == ("stream", "sha1")


@pytest.mark.parametrize("require", [False, True])
def test_a_server_without_entries(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, require: bool
) -> None:
    simulator.inject("no_manifest")
    lease = open_lease(demo_vm.ExportVm(), require_manifest=require)
    if require:
        with pytest.raises(nfclease.ManifestError), lease:
            lease.wait_ready(10)
            lease.download_all(tmp_path)
        assert endings(simulator) == ["HttpNfcLeaseAbort"]
    else:
        with lease:
            lease.wait_ready(10)
            assert {r.verified for r in lease.download_all(tmp_path)} == {"stream"}
        assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize(
    ("fault", "params"),
    [("html", {}), ("empty", {}), ("cut", {"after_bytes": 1000, "how": "close_delimited"})],
)
def test_the_announced_size_of_a_file_that_no_entry_lists(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    fault: str,
    params: dict[str, Any],
) -> None:
    simulator.inject("no_manifest")
    simulator.inject(fault, disk=".nvram", **params)
    with (
        pytest.raises(nfclease.SizeMismatchError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        nvram = lease.wait_ready(10).deviceUrl[-1]
        assert (nvram.targetId, nvram.disk) == ("demo-vm.nvram", False)
        lease.download(nvram, tmp_path / "nvram")
    assert raised.value.expected == nvram.fileSize != raised.value.actual
    assert (raised.value.attempts, raised.value.phase) == (2, "verify")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_the_announced_size_of_a_body_without_an_end(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("cut", disk=".nvram", after_bytes=1000, how="close_delimited")
    with pytest.raises(nfclease.SizeMismatchError), open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not (tmp_path / "demo-vm.nvram").exists()


@pytest.mark.parametrize(
    ("fault", "params"), [("drop", {"after": True}), ("soap_status", {"code": 503})]
)
def test_a_lost_manifest_is_asked_for_again(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    fault: str,
    params: dict[str, Any],
) -> None:
    simulator.inject(fault, method="HttpNfcLeaseGetManifest", count=1, **params)
    with open_lease(demo_vm.ExportVm()) as lease:
        result = lease.download(disk_of(lease), tmp_path / "disk.vmdk")
    assert (result.attempts, result.verified) == (1, "manifest")
    assert len(simulator.requests()) == 1
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_manifest_that_cannot_be_had(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("drop", method="HttpNfcLeaseGetManifest")
    with (
        pytest.raises(nfclease.ConnectError) as raised,
        open_lease(demo_vm.ExportVm(), max_retries=1) as lease,
    ):
        lease.download(disk_of(lease), tmp_path / "disk.vmdk")
    assert (raised.value.attempts, raised.value.phase) == (1, "verify")
    assert len(simulator.requests()) == 1
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_two_exports_differ_but_verify(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        first = lease.download(disk, tmp_path / "first")
        second = lease.download(disk, tmp_path / "second")
    assert first.bytes == second.bytes
    assert first.checksum != second.checksum
    assert first.verified == second.verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_disk_under_import_that_the_host_refuses(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        url = disk_of(lease)
        result = lease.download(url, tmp_path / "disk.vmdk")
    spec = import_spec(service, demo_vm, "refused", [result])
    simulator.reset()
    [item] = [item for item in spec.fileItem if item.path == result.name]
    lease = import_vm(demo_vm, spec)
    with (
        pytest.raises(nfclease.HttpStatusError) as raised,
        open_lease(lease, verify_format=False, verify_size=False) as held,
    ):
        held.wait_ready(10)
        held.upload(item, b"<html>no disk</html>" * 100)
    assert raised.value.status == 500
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    view = service.content.viewManager.CreateContainerView(
        service.content.rootFolder, [vim.VirtualMachine], True
    )
    assert "refused" not in [vm.name for vm in view.view]  # import objects vanish
