"""An OVA that is written while its disks come: in one pass, several at once, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import Transfer, _core
from nfclease._local.file_objects import TargetEnd
from nfclease._operations import downloads
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import endings

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


def members(lease: Any, writer: _core.OvaWriter) -> Iterator[tuple[Any, _core.Sink]]:
    """Each file of the lease with its place in the archive."""
    for device in lease.wait_ready(10).deviceUrl:
        yield device, writer.member(device.targetId)


def start(lease: Any, device: Any, member: _core.Sink) -> Transfer:
    return downloads._start_download(
        lease._nfc_shared, device, member, False, file_checksum_type="sha256"
    )


def starting(lease: Any, writer: _core.OvaWriter) -> Iterator[Transfer]:
    """Each file of the lease into the archive."""
    return (start(lease, device, member) for device, member in members(lease, writer))


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


def finish(writer: _core.OvaWriter) -> None:
    """Makes it whole, and gives it its name."""
    writer.finish(OVF, MF).wait()
    writer.publish().wait()


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
    finish(writer)
    assert [path.name for path in ova.parent.iterdir()] == ["vm.ova"]
    check(ova, results)
    front = padded(SLOT) + padded(len(MF))
    assert ova.stat().st_size == front + sum(padded(r.bytes) for r in results) + 1024
    assert [r["method"] for r in simulator.requests()] == ["GET"] * len(results)


@pytest.mark.parametrize("tool", ["tar", "bsdtar"])
def test_the_systems_tools_read_it(
    open_lease: OpenLease,
    demo_vm: Any,
    ova: Path,
    writer: _core.OvaWriter,
    tmp_path: Path,
    tool: str,
) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"not run: no {tool} here")
    with open_lease(demo_vm.ExportVm()) as lease:
        results = [transfer.result(60) for transfer in list(starting(lease, writer))]
    finish(writer)
    out = tmp_path / "out"
    out.mkdir()
    listed = subprocess.run([tool, "-tf", ova], check=True, capture_output=True, text=True)
    assert listed.stdout.split() == ["vm.ovf", "vm.mf", *(result.name for result in results)]
    said = subprocess.run([tool, "-xf", ova, "-C", out], check=True, capture_output=True)
    assert (said.stdout, said.stderr) == (b"", b"")
    assert (out / "vm.ovf").read_bytes() == writer.padded(OVF) == OVF.ljust(SLOT, b"\n")
    for result in results:
        content = (out / result.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == result.file_checksum


@pytest.mark.parametrize("disk", ["disk-1.vmdk", "disk-2.vmdk"])
def test_a_download_that_breaks_off_is_begun_again(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    ova: Path,
    writer: _core.OvaWriter,
    disk: str,
) -> None:
    """In the archive, and in a file beside it."""
    simulator.inject("cut", disk=disk, after_bytes=1 << 20, how="reset", count=1)
    with open_lease(demo_vm.ExportVm()) as lease:
        results = [transfer.result(60) for transfer in list(starting(lease, writer))]
    finish(writer)
    check(ova, results)
    assert sorted(result.attempts for result in results)[-2:] == [1, 2]


def test_a_disk_that_waits_is_spooled(
    open_lease: OpenLease, demo_vm: Any, ova: Path, writer: _core.OvaWriter
) -> None:
    """Until those before it are in the archive."""
    with open_lease(demo_vm.ExportVm()) as lease:
        first, *others = list(members(lease, writer))
        spooled = [start(lease, device, member).result(60) for device, member in reversed(others)]
        spools = [f"vm.ova.{number + 1}.part" for number in range(len(others))]
        assert sorted(path.name for path in ova.parent.iterdir()) == [*spools, "vm.ova.part"]
        results = [start(lease, *first).result(60), *reversed(spooled)]
        assert [path.name for path in ova.parent.iterdir()] == ["vm.ova.part"]
    finish(writer)
    check(ova, results)


@pytest.mark.parametrize("disk", ["disk-1.vmdk", "disk-2.vmdk"])
def test_a_failure_leaves_nothing(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    ova: Path,
    writer: _core.OvaWriter,
    disk: str,
) -> None:
    simulator.inject("flip", disk=disk, offset=1 << 20)
    with (
        pytest.raises(nfclease.ChecksumMismatchError),
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        for transfer in list(starting(lease, writer)):
            transfer.result(60)
    assert writer.discard() == []
    assert list(ova.parent.iterdir()) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    with pytest.raises(nfclease.TransferCancelledError):
        finish(writer)


def test_another_one_stays_until_the_end(open_lease: OpenLease, demo_vm: Any, ova: Path) -> None:
    ova.write_bytes(b"another")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        _core.OvaWriter(ova, overwrite=False)
    writer = _core.OvaWriter(ova, overwrite=True)
    writer.reserve("vm.ovf", SLOT, "vm.mf", len(MF))
    with open_lease(demo_vm.ExportVm()) as lease:
        results = [transfer.result(60) for transfer in list(starting(lease, writer))]
    assert ova.read_bytes() == b"another"
    finish(writer)
    check(ova, results)


def test_a_pipe(open_lease: OpenLease, demo_vm: Any, tmp_path: Path) -> None:
    """All of it is spooled, and written in order when it is known."""
    spools, copy = tmp_path / "spools", tmp_path / "copy.ova"
    spools.mkdir()
    with (
        copy.open("wb") as out,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=out) as cat,
    ):
        assert cat.stdin is not None
        writer = _core.OvaWriter.of_file(TargetEnd(cat.stdin, "vm.ova"), spool_directory=spools)
        writer.reserve("vm.ovf", SLOT, "vm.mf", len(MF))
        with open_lease(demo_vm.ExportVm()) as lease:
            results = [transfer.result(60) for transfer in list(starting(lease, writer))]
        assert len(list(spools.iterdir())) == len(results)
        finish(writer)
    check(copy, results)
    assert list(spools.iterdir()) == []
    size = padded(len(OVF)) + padded(len(MF)) + sum(padded(r.bytes) for r in results) + 1024
    assert copy.stat().st_size == size


def test_a_pipe_that_nobody_reads(open_lease: OpenLease, demo_vm: Any, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with open(writing, "wb", buffering=0) as pipe:
        writer = _core.OvaWriter.of_file(TargetEnd(pipe, "vm.ova"), spool_directory=tmp_path)
        writer.reserve("vm.ovf", SLOT, None, 0)
        with open_lease(demo_vm.ExportVm()) as lease:
            for transfer in list(starting(lease, writer)):
                transfer.result(60)
        finishing = writer.finish(OVF, None)
        # Those that are not written yet are told where the pipe holds up their end.
        assert {Path(left).parent for left in writer.discard()} <= {tmp_path}
        os.close(reading)
        with pytest.raises((nfclease.TransferCancelledError, BrokenPipeError)):
            finishing.wait()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_removes_nothing(ova: Path) -> None:
    writer = _core.OvaWriter(ova, overwrite=False)
    writer.reserve("vm.ovf", SLOT, None, 0)
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            try:
                writer.discard()
            except nfclease.ForkError:
                status = 0
            del writer
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [path.name for path in ova.parent.iterdir()] == ["vm.ova.part"]
    writer.finish(OVF, None).wait()
    writer.publish().wait()
    with tarfile.open(ova, "r:") as archive:
        assert archive.getnames() == ["vm.ovf"]


@pytest.mark.parametrize("name", ["x" * 101, "../disk", "VM.OVF", "", "a/b"])
def test_names_that_an_archive_cannot_have(writer: _core.OvaWriter, name: str) -> None:
    with pytest.raises(nfclease.UnsafePathError):
        writer.member(name)
