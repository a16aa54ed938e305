"""An OVA that is written while its disks come: in one pass, several at once, or not at all."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import Transfer, _core
from nfclease._operations import transfers
from nfclease.simulator import Simulator

from ..support.faces import OpenLease

OVF, MF = b"<Envelope/>", b"SHA256(vm.ovf)= 00\n"
SLOT = 4096


def padded(size: int) -> int:
    """Bytes of a member with its header."""
    return 512 + -(-size // 512) * 512


@pytest.fixture
def ova(tmp_path: Path) -> Path:
    return tmp_path / "vm.ova"


@pytest.fixture
def writer(ova: Path) -> _core.OvaWriter:
    made = _core.OvaWriter(ova, overwrite=False)
    made.reserve("vm.ovf", SLOT, "vm.mf", len(MF))
    return made


def starting(lease: Any, writer: _core.OvaWriter) -> Iterator[Transfer]:
    """Each file of the lease into the archive."""
    for device in lease.wait_ready(10).deviceUrl:
        member = writer.member(device.targetId)
        yield transfers._start_download(lease._nfc_shared, device, member, False, also="sha256")


def check(path: Path, results: list[nfclease.TransferResult]) -> None:
    """By a reader that nobody here wrote."""
    with tarfile.open(path, "r:") as archive:
        members = archive.getmembers()
        assert [m.name for m in members] == ["vm.ovf", "vm.mf", *(r.name for r in results)]
        assert {(m.mode, m.type, m.uid) for m in members} == {(0o644, tarfile.REGTYPE, 0)}
        assert all(not m.pax_headers and m.mtime == int(m.mtime) > 0 for m in members)
        contents = [archive.extractfile(m).read() for m in members]  # type: ignore[union-attr]
    assert contents[0].rstrip(b"\n") == OVF
    assert contents[1] == MF
    for content, result in zip(contents[2:], results, strict=True):
        assert hashlib.sha256(content).hexdigest() == result.file_checksum
        assert result.verified == "manifest"


@pytest.mark.parametrize("max_concurrency", [1, 4])
def test_it_is_written_once(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    ova: Path,
    writer: _core.OvaWriter,
    max_concurrency: int,
) -> None:
    with open_lease(demo_vm.ExportVm(), max_concurrency=max_concurrency) as lease:
        started = list(starting(lease, writer))
        results = [transfer.result(60) for transfer in started]
        assert [path.name for path in ova.parent.iterdir()] == ["vm.ova.part"]
    writer.finish(OVF, MF).wait()
    assert [path.name for path in ova.parent.iterdir()] == ["vm.ova"]
    check(ova, results)
    front = padded(SLOT) + padded(len(MF))
    assert ova.stat().st_size == front + sum(padded(r.bytes) for r in results) + 1024
    assert [r["method"] for r in simulator.requests()] == ["GET"] * len(results)
