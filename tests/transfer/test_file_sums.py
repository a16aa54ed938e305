"""A sum for a manifest file, in the same pass as the server's, and compared on the way in."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import Transfer, _core
from nfclease._arguments import core_device_url, core_file_item
from nfclease._operations import downloads
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.leases import disk_of, endings

TYPES = ("sha1", "sha256", "sha512")


def start_download(lease: Any, target: object, file_type: str) -> Transfer:
    return downloads._start_download(
        lease._nfc_shared, disk_of(lease), target, False, file_checksum_type=file_type
    )


def start_upload(lease: Any, imported: Imported, file_type: str, expected: str) -> _core.Transfer:
    """Natively: the operation is a coroutine of the face."""
    device = next(url for url in lease.wait_ready(10).deviceUrl if url.disk)
    return lease._nfc_core.upload(  # type: ignore[no-any-return]
        core_device_url(device, imported.path.name, imported.item),
        core_file_item(imported.item),
        _core.Source.of_path(imported.path),
        file_checksum_type=file_type,
        expected=expected,
    )


@pytest.mark.parametrize("file_type", TYPES)
@pytest.mark.parametrize("checksum_type", ["sha1", "sha256"])
def test_a_download_has_both(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    checksum_type: str,
    file_type: str,
) -> None:
    with open_lease(demo_vm.ExportVm(), checksum_type=checksum_type) as lease:
        result = start_download(lease, tmp_path / "disk", file_type).result(60)
    written = (tmp_path / "disk").read_bytes()
    assert (result.verified, result.checksum_type) == ("manifest", checksum_type)
    assert result.checksum == hashlib.new(checksum_type, written).hexdigest()
    assert result.file_checksum_type == file_type
    assert result.file_checksum == hashlib.new(file_type, written).hexdigest()
    assert [request["method"] for request in simulator.requests()] == ["GET"]


def test_a_second_attempt_sums_anew(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("cut", disk=".vmdk", after_bytes=100_000, how="reset", count=1)
    with open_lease(demo_vm.ExportVm()) as lease:
        result = start_download(lease, tmp_path / "disk", "sha256").result(60)
    assert result.attempts == 2
    assert result.file_checksum == hashlib.sha256((tmp_path / "disk").read_bytes()).hexdigest()


def test_nobody_asked(lease: Any, tmp_path: Path) -> None:
    result = lease.download(disk_of(lease), tmp_path / "disk")
    assert (result.file_checksum, result.file_checksum_type) == (None, None)


@pytest.mark.parametrize("file_type", TYPES)
def test_an_upload_of_the_right_file(
    open_lease: OpenLease, simulator: Simulator, imported: Imported, file_type: str
) -> None:
    expected = hashlib.new(file_type, imported.path.read_bytes()).hexdigest()
    with open_lease(imported.raw) as lease:
        transfer = start_upload(lease, imported, file_type, expected.upper())
        transfer.wait_end(60)
        row = transfer.peek()
    assert row is not None
    assert (row[3], row[6]) == ("manifest", expected)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("file_type", TYPES)
def test_an_upload_of_another_file(
    open_lease: OpenLease, simulator: Simulator, imported: Imported, file_type: str
) -> None:
    """The host never has all of it, and the lease is aborted."""
    wrong = hashlib.new(file_type, b"another file").hexdigest()
    with (
        pytest.raises(nfclease.ChecksumMismatchError, match="manifest file") as raised,
        open_lease(imported.raw) as lease,
    ):
        start_upload(lease, imported, file_type, wrong).wait_end(60)
    error = raised.value
    assert (error.expected, error.checksum_type, error.remedy) == (wrong, file_type, "fix_input")
    assert error.actual == hashlib.new(file_type, imported.path.read_bytes()).hexdigest()
    [post] = simulator.requests()
    assert post["bytes_received"] < imported.path.stat().st_size
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize(
    ("file_type", "expected", "says"),
    [
        ("md5", None, "'sha512' sums, not"),
        ("sha256", "00", "64 hex digits"),
        (None, "00" * 20, "file_checksum_type="),
    ],
)
def test_what_cannot_be_a_sum(lease: Any, file_type: Any, expected: Any, says: str) -> None:
    source = _core.Source.of_bytes(b"x")
    item = core_file_item(disk_of(lease))
    with pytest.raises(ValueError, match=says):
        lease._nfc_core.upload(
            core_device_url(disk_of(lease)),
            item,
            source,
            file_checksum_type=file_type,
            expected=expected,
        )
