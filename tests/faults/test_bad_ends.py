"""Targets and sources that are none, that fail, or that are in the way: a clear error."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import weakref
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.leases import disk_of, endings


def test_files_that_are_open_as_text(simulator: Simulator, lease: Any, tmp_path: Path) -> None:
    with open(tmp_path / "text", "w+", encoding="utf-8") as file:
        with pytest.raises(TypeError, match="'wb'"):
            lease.download(disk_of(lease), file)
        with pytest.raises(TypeError, match="'rb'"):
            lease.upload(disk_of(lease), file)
    assert simulator.requests() == []


def test_a_missing_directory(simulator: Simulator, lease: Any, tmp_path: Path) -> None:
    """Its last level is made; a path that is wrong higher up is told."""
    with pytest.raises(FileNotFoundError, match="only the last level") as caught:
        lease.download_all(tmp_path / "missing" / "out")
    assert caught.value.filename == str(tmp_path / "missing" / "out")
    assert simulator.requests() == []
    lease.download_all(tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["out"]
    assert len(os.listdir(tmp_path / "out")) == 5


def test_a_directory_that_was_made_for_nothing(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """It goes again, unless a file in it was verified before the failure."""
    simulator.inject("status", disk="", code=410)
    lease = open_lease(demo_vm.ExportVm(), max_retries=0)
    with pytest.raises(nfclease.NfcError), lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path / "out")
    assert os.listdir(tmp_path) == []
    simulator.reset()
    simulator.inject("stall", disk="disk-3", after_bytes=1000)

    def stop(snapshot: nfclease.TransferProgress) -> None:
        if snapshot.done:
            raise LookupError(snapshot.name)

    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(LookupError) as caught, lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path / "out", progress=stop)
    left = os.listdir(tmp_path / "out")
    assert str(caught.value) in left
    assert not [name for name in left if "disk-3" in name]


@pytest.mark.parametrize("in_background", [False, True])
def test_the_directory_of_one_file(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_background: bool,
) -> None:
    """As of `download_all`: README's loop works in an empty folder."""
    monkeypatch.chdir(tmp_path)
    start = "start_download" if in_background else "download"
    with open_lease(demo_vm.ExportVm()) as lease:
        for device in lease.wait_ready(10).deviceUrl:
            getattr(lease, start)(device, f"out/{device.targetId}")
    assert len(os.listdir("out")) == 5
    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(FileNotFoundError, match="only the last level") as caught, lease:
        getattr(lease, start)(disk_of(lease), "missing/out/disk")
    assert caught.value.filename == os.path.join("missing", "out")
    assert os.listdir() == ["out"]


def test_the_directory_of_one_file_that_was_made_for_nothing(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", disk="", code=410)
    lease = open_lease(demo_vm.ExportVm(), max_retries=0)
    with pytest.raises(nfclease.NfcError), lease:
        lease.download(disk_of(lease), tmp_path / "out" / "disk")
    assert os.listdir(tmp_path) == []


def test_a_file_as_directory(simulator: Simulator, lease: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="file"):
        lease.download_all(file)
    assert simulator.requests() == []


def test_a_read_only_directory(simulator: Simulator, lease: Any, tmp_path: Path) -> None:
    target = Path("/proc/self") if os.geteuid() == 0 else tmp_path
    if target == tmp_path:
        tmp_path.chmod(0o500)
    # Of more files than move at once, a disk is longer than the image, and the first to start.
    with pytest.raises(OSError, match=r"disk-1\.vmdk"):
        lease.download_all(target)
    assert simulator.requests() == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_directory_as_target(
    simulator: Simulator, lease: Any, tmp_path: Path, overwrite: bool
) -> None:
    with pytest.raises(IsADirectoryError):
        lease.download(disk_of(lease), tmp_path, overwrite=overwrite)
    assert simulator.requests() == []


def test_a_file_that_exists(simulator: Simulator, lease: Any, tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        lease.download(disk_of(lease), tmp_path / "disk")
    assert (tmp_path / "disk").read_bytes() == b"mine"
    assert simulator.requests() == []


@pytest.mark.parametrize("target", [None, 7, b"bytes-path", object()])
def test_a_target_of_the_wrong_kind(lease: Any, target: Any) -> None:
    with pytest.raises(TypeError, match="target"):
        lease.download(disk_of(lease), target)


@pytest.mark.parametrize("source", [None, 7, object()])
def test_a_source_of_the_wrong_kind(lease: Any, source: Any) -> None:
    with pytest.raises(TypeError, match="source"):
        lease.upload(disk_of(lease), source)


def test_sources_that_are_no_files(lease: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        lease.upload(disk_of(lease), tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        lease.upload(disk_of(lease), tmp_path)
    with pytest.raises(OSError, match="not a regular file"):
        lease.upload(disk_of(lease), "/dev/zero")


class Unseekable(io.RawIOBase):
    def readable(self) -> bool:
        return True


def test_a_source_without_length(lease: Any) -> None:
    with pytest.raises(TypeError, match="seekable"):
        lease.upload(disk_of(lease), Unseekable())


class FullDisk(io.BytesIO):
    def write(self, data: Any) -> int:
        raise OSError(28, "No space left on device")


def test_a_file_object_that_fails(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    with (
        pytest.raises(OSError, match="No space left") as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        lease.download(disk_of(lease), FullDisk())
    assert raised.value.errno == 28
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_full_disk(open_lease: OpenLease, demo_vm: Any, simulator: Simulator) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("not run: there is no /dev/full here")
    with (
        open("/dev/full", "wb", buffering=0) as full,
        pytest.raises(OSError, match="No space left"),
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        lease.download(disk_of(lease), full)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_two_transfers_to_one_file(simulator: Simulator, lease: Any, tmp_path: Path) -> None:
    simulator.inject("bandwidth", bytes_per_second=1 << 20)
    first = lease.start_download(disk_of(lease), tmp_path / "disk")
    with pytest.raises(FileExistsError):
        lease.start_download(disk_of(lease), tmp_path / "disk")
    assert first.result().verified == "manifest"


def test_a_partial_file_of_a_killed_process(lease: Any, tmp_path: Path) -> None:
    (tmp_path / "disk.part").write_bytes(b"left behind")
    assert lease.download(disk_of(lease), tmp_path / "disk").verified == "manifest"
    assert [path.name for path in tmp_path.iterdir()] == ["disk"]


def test_planted_links_lead_nowhere(lease: Any, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "disk.part").symlink_to(victim)
    (tmp_path / "other").symlink_to(victim)
    assert lease.download(disk_of(lease), tmp_path / "disk").verified == "manifest"
    assert lease.download(disk_of(lease), tmp_path / "other", overwrite=True).bytes
    assert victim.read_bytes() == b"precious"


def test_a_source_that_shrinks(open_lease: OpenLease, imported: Imported) -> None:
    class Liar(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            return super().seek(offset, whence) + (100 if whence == os.SEEK_END else 0)

    raw, item, *_ = imported
    lease = open_lease(raw, verify_size=False)
    with pytest.raises(nfclease.SizeMismatchError, match="while it was read"), lease:
        lease.upload(item, Liar(b"KDMV" * 100))


def test_a_failed_file_object_keeps_nothing_alive(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    held = open_lease(demo_vm.ExportVm())
    alive = weakref.ref(held)
    with pytest.raises(OSError, match="No space left"), held:
        held.wait_ready(10)
        held.download(disk_of(held), FullDisk())
    del held
    gc.collect()
    assert alive() is None


class Short(io.RawIOBase):
    """Takes a third of what it is given, and tells so."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data[: max(1, len(data) // 3)])
        self.taken += part
        return len(part)


def test_a_file_object_that_writes_short(lease: Any) -> None:
    target = Short()
    result = lease.download(disk_of(lease), target)
    assert hashlib.sha1(target.taken).hexdigest() == result.checksum


class Stuck(Short):
    def write(self, data: Any) -> int:
        return 0


class Boastful(Short):
    def write(self, data: Any) -> int:
        return len(data) + 1


def text_mode(path: Path) -> Any:
    return open(path, "w", encoding="utf-8")  # noqa: SIM115


def closed(path: Path) -> Any:
    with open(path, "wb") as file:
        return file


@pytest.mark.parametrize(
    ("target", "error"),
    [
        pytest.param(text_mode, TypeError, id="text mode"),
        pytest.param(closed, ValueError, id="closed"),
        pytest.param(lambda path: Stuck(), OSError, id="writes nothing"),
        pytest.param(lambda path: Boastful(), OSError, id="wrote more than there was"),
        pytest.param(lambda path: os.fsencode(path), TypeError, id="bytes path"),
        pytest.param(lambda path: f"{path}\ud800", ValueError, id="lone surrogate"),
        pytest.param(lambda path: f"{path}\0", ValueError, id="NUL"),
        pytest.param(lambda path: path.parent, IsADirectoryError, id="directory"),
        pytest.param(lambda path: None, TypeError, id="None"),
        pytest.param(lambda path: 1, TypeError, id="a descriptor"),
    ],
)
def test_targets_that_are_none(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    target: Any,
    error: type[Exception],
) -> None:
    """The object's own error, or one of ours; the lease aborted, nothing left."""
    lease = open_lease(demo_vm.ExportVm())
    made = target(tmp_path / "target")
    with pytest.raises(error), lease:
        lease.wait_ready(10)
        lease.download(disk_of(lease), made)
    if hasattr(made, "close"):
        made.close()
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    left = [path for path in tmp_path.iterdir() if path.stat().st_size]
    assert left == []


def test_a_path_that_is_no_text(lease: Any, tmp_path: Path) -> None:
    """What the file system calls by bytes that are not UTF-8."""
    path = os.path.join(tmp_path, os.fsdecode(b"disk-\xff"))
    assert lease.download(disk_of(lease), path).bytes == os.stat(path).st_size
