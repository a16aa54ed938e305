"""File systems that fail, or lack a call: injected into the calls of a real export's process."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest

from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..support.failing_calls import Ended, run_failing, traced
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings
from ..support.waiting import wait_for


def export(
    simulator: Simulator, target: Path, *faults: str, how: str = "new", only: Path | None = None
) -> Ended:
    """Exports one disk in a process whose calls get these faults, at `only` this path."""
    return run_failing("disk", simulator, target, *faults, how=how, only=only)


def names_its_disk(ended: Ended) -> bool:
    """Whether the record has VM and file as attributes."""
    return bool(re.search(r" \[vm-\d+ disk-\d\.vmdk\]$", ended.log.strip()))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    directory = tmp_path / "out"
    directory.mkdir()
    return directory


@traced
@pytest.mark.parametrize("refused", ["EINVAL", "ENOSYS", "EOPNOTSUPP", "EPERM", "ENOTTY"])
def test_without_a_rename_that_replaces_nothing(
    simulator: Simulator, out: Path, refused: str
) -> None:
    """Nor hard links: s3fs, gcsfuse and rclone have neither."""
    faults = f"renameat2:error={refused}", f"linkat:error={refused}"
    assert export(simulator, out / "disk", *faults).said == {"verified": "manifest"}
    assert os.listdir(out) == ["disk"]
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@traced
def test_without_any_rename(simulator: Simulator, out: Path) -> None:
    """That is known before a byte is asked for."""
    calls = ("renameat2", "linkat", "renameat", "rename")
    ended = export(simulator, out / "disk", *(f"{call}:error=EPERM" for call in calls))
    assert ended.said["errno"] == errno.EPERM
    assert os.listdir(out) == []
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@traced
@pytest.mark.parametrize("how", ["new", "overwrite"])
def test_a_directory_that_cannot_be_synced(simulator: Simulator, out: Path, how: str) -> None:
    """The file has its name and its bytes by then: that is not a failure, and a warning says so."""
    if how == "overwrite":
        (out / "disk").write_bytes(b"old")
    ended = export(simulator, out / "disk", "fsync:error=EIO", how=how, only=out)
    assert ended.said == {"verified": "manifest"}
    assert "disk is complete, but" in ended.log
    assert "could not be synced" in ended.log
    assert names_its_disk(ended)
    assert os.listdir(out) == ["disk"]
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@traced
def test_a_file_that_cannot_be_synced(simulator: Simulator, out: Path) -> None:
    """The old one stays."""
    (out / "disk").write_bytes(b"old")
    ended = export(simulator, out / "disk", "fsync:error=EIO:when=1", how="overwrite")
    assert ended.said["errno"] == errno.EIO
    assert (out / "disk").read_bytes() == b"old"
    assert os.listdir(out) == ["disk"]
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@traced
def test_no_descriptor_for_the_directory(simulator: Simulator, out: Path) -> None:
    """It is opened before the point of no return, and before the first byte."""
    ended = export(simulator, out / "disk", "openat:error=EMFILE", only=out)
    assert ended.said["errno"] == errno.EMFILE
    assert os.listdir(out) == []
    assert simulator.requests() == []


@traced
def test_a_link_that_stays(simulator: Simulator, out: Path) -> None:
    """The second name of a whole file is not a failure either."""
    faults = "renameat2:error=EINVAL", "unlinkat:error=EIO", "unlink:error=EIO"
    ended = export(simulator, out / "disk", *faults, only=Path("disk.part"))
    assert ended.said == {"verified": "manifest"}
    assert "disk is complete, but its other name" in ended.log
    assert names_its_disk(ended)
    assert (out / "disk").samefile(out / "disk.part")
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@traced
def test_a_lock_that_fails(simulator: Simulator, out: Path) -> None:
    """Nothing of it stays."""
    ended = export(simulator, out / "disk", "flock:error=EIO")
    assert ended.said["errno"] == errno.EIO
    assert os.listdir(out) == []


@traced
def test_a_lock_that_is_interrupted(simulator: Simulator, out: Path) -> None:
    ended = export(simulator, out / "disk", "flock:error=EINTR:when=1")
    assert ended.said == {"verified": "manifest"}


@traced
@pytest.mark.parametrize("call", ["renameat", "unlinkat", "newfstatat"])
def test_a_name_that_is_interrupted(simulator: Simulator, out: Path, call: str) -> None:
    """As network file systems may interrupt what others do not; the call is made again."""
    (out / "disk").write_bytes(b"old")
    (out / "disk.part").write_bytes(b"of a process that was killed")
    ended = export(simulator, out / "disk", f"{call}:error=EINTR:when=1", how="overwrite", only=out)
    assert ended.said == {"verified": "manifest"}
    assert os.listdir(out) == ["disk"]


@traced
def test_a_partial_file_that_cannot_be_looked_at(simulator: Simulator, out: Path) -> None:
    """It may not be ours any more, so that it stays, and is told."""
    faults = "newfstatat:error=EIO", "statx:error=EIO:when=3+"
    ended = export(simulator, out / "disk", *faults, only=out)
    assert ended.said["errno"] == errno.EIO
    assert ended.said["files_left"] == [str(out / "disk.part")]
    assert ended.said["__notes__"][-1] == f"left behind, incomplete: {out / 'disk.part'}"
    assert os.listdir(out) == ["disk.part"]


@pytest.mark.skipif(os.name == "nt", reason="not run: a directory in use keeps its name there")
def test_a_directory_that_is_renamed_meanwhile(
    simulator: Simulator, lease: Any, out: Path, tmp_path: Path
) -> None:
    """The name that was asked for means something else now; nothing stays behind."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    transfer = lease.start_download(disk_of(lease), out / "disk")
    wait_for(lambda: transfer.progress.bytes_done, 10)
    out.rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError, match="the directory"):
        transfer.result()
    assert os.listdir(tmp_path / "moved") == []


def test_more_than_is_free(demo_vm: Any, simulator: Simulator, out: Path) -> None:
    """Told before the first byte is written, where the server names a size."""
    simulator.inject("device_url", disk="nvram", fileSize=1 << 60)
    simulator.inject("cut", disk="nvram", after_bytes=0, how="close_delimited")
    with pytest.raises(OSError, match=f"{1 << 60} bytes are needed") as caught:  # noqa: SIM117
        with HttpNfcLease(demo_vm.ExportVm()) as lease:
            devices = lease.wait_ready(10).deviceUrl
            nvram = next(url for url in devices if "nvram" in (url.targetId or ""))
            lease.download(nvram, out / "nvram")
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(out) == []
    assert len(simulator.requests()) == 1
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_length_counts_more_than_a_file_size(
    demo_vm: Any, simulator: Simulator, out: Path
) -> None:
    simulator.inject("device_url", disk="nvram", fileSize=1 << 60)
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        devices = lease.wait_ready(10).deviceUrl
        nvram = next(url for url in devices if "nvram" in (url.targetId or ""))
        assert lease.download(nvram, out / "nvram").verified == "manifest"
