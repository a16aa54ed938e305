"""A download into a file object that is repeated: it begins again where it began, or not at all."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import disk_of, endings

#: More than what is kept back before a file object is written to.
LARGE = 6 << 20
SIMULATOR = {"disk_size": LARGE}
#: Not by a reset, which drops what the client has not read yet.
CUT: dict[str, Any] = {"after_bytes": 5 << 20, "how": "fin"}


@pytest.fixture
def files() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def in_memory(files: ExitStack, path: Path) -> Any:
    target = io.BytesIO(path.read_bytes())
    target.seek(7)
    return target


def in_a_file(files: ExitStack, path: Path) -> Any:
    target = files.enter_context(open(path, "r+b"))  # noqa: SIM115
    target.seek(7)
    return target


def written_to_before(files: ExitStack, path: Path) -> Any:
    target = files.enter_context(open(path, "wb"))  # noqa: SIM115
    target.write(b"before!")
    return target


def for_appending(files: ExitStack, path: Path) -> Any:
    return files.enter_context(open(path, "ab"))


def for_appending_unbuffered(files: ExitStack, path: Path) -> Any:
    return files.enter_context(open(path, "ab", buffering=0))


def by_a_descriptor_that_appends(files: ExitStack, path: Path) -> Any:
    """It stands at 0, and writes at the end."""
    return files.enter_context(open(os.open(path, os.O_WRONLY | os.O_APPEND), "wb"))


@pytest.mark.parametrize(
    "opened",
    [
        in_memory,
        in_a_file,
        written_to_before,
        for_appending,
        for_appending_unbuffered,
        by_a_descriptor_that_appends,
    ],
)
def test_it_begins_again_where_it_began(
    simulator: Simulator, lease: Any, tmp_path: Path, files: ExitStack, opened: Any
) -> None:
    """What was there before stays."""
    (tmp_path / "target").write_bytes(b"before!")
    simulator.inject("cut", count=1, **CUT)
    target = opened(files, tmp_path / "target")
    result = lease.download(disk_of(lease), target)
    assert result.attempts == 2
    if isinstance(target, io.BytesIO):
        content = target.getvalue()
    else:
        target.flush()
        content = (tmp_path / "target").read_bytes()
    assert content[:7] == b"before!"
    assert hashlib.sha1(content[7:]).hexdigest() == result.checksum


def test_what_follows_stays_too(simulator: Simulator, lease: Any, tmp_path: Path) -> None:
    """A region of a file that is longer: it is not cut off behind the region."""
    simulator.inject("cut", count=1, **CUT)
    (tmp_path / "target").write_bytes(b"x" * (3 * LARGE))
    with open(tmp_path / "target", "r+b") as target:
        target.seek(7)
        result = lease.download(disk_of(lease), target)
    content = (tmp_path / "target").read_bytes()
    end = 7 + result.bytes
    assert hashlib.sha1(content[7:end]).hexdigest() == result.checksum
    assert content[:7] + content[end:] == b"x" * (3 * LARGE - result.bytes)


class OnlyWrite:
    """A writer of somebody's own."""

    def write(self, data: bytes) -> int:
        return len(data)


class NoTruncate(io.RawIOBase):
    """It could go back, and could not take back what was written too much."""

    truncate = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        self._at += len(data)
        return len(data)


def only_write(files: ExitStack) -> Any:
    return OnlyWrite()


def no_truncate(files: ExitStack) -> Any:
    return NoTruncate()


def compressed(files: ExitStack) -> Any:
    return files.enter_context(gzip.GzipFile(fileobj=io.BytesIO(), mode="wb", compresslevel=1))


def pipe(files: ExitStack) -> Any:
    here, there = os.pipe()

    def drain() -> None:
        with open(here, "rb") as reader:
            while reader.read(1 << 20):
                pass

    thread = threading.Thread(target=drain)
    thread.start()
    files.callback(thread.join)
    return files.enter_context(open(there, "wb"))


@pytest.mark.parametrize("opened", [only_write, no_truncate, compressed, pipe])
def test_what_cannot_go_back(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, files: ExitStack, opened: Any
) -> None:
    """The first failure is the last, and says why."""
    simulator.inject("cut", count=1, **CUT)
    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(nfclease.NfcError, match="not repeated, since the target") as caught, lease:
        lease.wait_ready(10)
        lease.download(disk_of(lease), opened(files))
    assert caught.value.attempts == 1
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_nothing_was_written_yet(simulator: Simulator, lease: Any) -> None:
    """Then there is nothing to take back."""
    simulator.inject("cut", count=1, after_bytes=1 << 20)
    assert lease.download(disk_of(lease), OnlyWrite()).attempts == 2


class Slow(io.BytesIO):
    """One of its methods comes back when the test says so."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self._slow = slow
        self.is_entered, self.goes_on = threading.Event(), threading.Event()

    def _enter(self, method: str) -> None:
        if method == self._slow:
            self.is_entered.set()
            self.goes_on.wait(60)

    def write(self, data: Any) -> int:
        self._enter("write")
        return super().write(data)

    def flush(self) -> None:
        self._enter("flush")
        super().flush()


def test_a_write_that_is_given_up_has_its_file_object(lease: Any) -> None:
    """It may still write: the transfer has not ended, and no other gets the file object."""
    target = Slow("write")
    transfer = lease.start_download(disk_of(lease), target)
    try:
        assert target.is_entered.wait(10)
        transfer.cancel()
        time.sleep(0.3)
        assert not transfer.done()
        with pytest.raises(ValueError, match="belongs to the running transfer"):
            lease.start_download(disk_of(lease), target)
    finally:
        target.goes_on.set()
    with pytest.raises(nfclease.TransferCancelledError):
        transfer.result()
    assert lease.download(disk_of(lease), target).attempts == 1


def test_a_commit_is_not_given_up(lease: Any) -> None:
    """All is there and verified; that it was cancelled meanwhile changes nothing."""
    target = Slow("flush")
    transfer = lease.start_download(disk_of(lease), target)
    try:
        assert target.is_entered.wait(10)
        transfer.cancel()
        time.sleep(0.3)
    finally:
        target.goes_on.set()
    result = transfer.result()
    assert hashlib.sha1(target.getvalue()).hexdigest() == result.checksum
