"""File objects that share a position: each transfer gets its own bytes, or is refused."""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
import os
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect

from nfclease._local.file_objects import SourceEnd, TargetEnd
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import DISK_SIZE, demo_vm_of
from ..support.leases import disk_of, endings


class Slow(io.FileIO):
    """Others get their turn within each step, and no read is a long one."""

    def seek(self, offset: int, whence: int = 0) -> int:
        time.sleep(0.0005)
        return super().seek(offset, whence)

    def read(self, size: int | None = -1) -> bytes:
        parts = []
        while size:
            time.sleep(0.0005)
            part = super().read(min(size, 0x8000)) or b""
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        time.sleep(0.0005)
        return super().readinto(memoryview(buffer)[:0x8000]) or 0


class Slice(io.RawIOBase):
    """A part of a file, as scripts write it."""

    def __init__(self, file: Any, start: int, length: int) -> None:
        self._read = file.read  # no attribute is the file itself
        self._seek, self._start, self._length, self._at = file.seek, start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (self._length if whence == os.SEEK_END else 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._length - self._at)
        self._seek(self._start + self._at)
        data: bytes = self._read(size)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


@pytest.fixture
def files() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def slow(files: ExitStack, path: Path) -> Slow:
    return files.enter_context(Slow(path))


def members_of_a_tar(files: ExitStack, directory: Path, names: list[str]) -> Callable[[str], Any]:
    with tarfile.open(directory / "x.ova", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            tar.add(directory / name, name)
    package = tarfile.open(fileobj=slow(files, directory / "x.ova"))  # noqa: SIM115
    return package.extractfile


def members_of_a_zip(files: ExitStack, directory: Path, names: list[str]) -> Callable[[str], Any]:
    with zipfile.ZipFile(directory / "x.zip", "w") as made:
        for name in names:
            made.write(directory / name, name)
    package = zipfile.ZipFile(slow(files, directory / "x.zip"))
    return files.enter_context(package).open


def slices_of_a_handle(files: ExitStack, directory: Path, names: list[str]) -> Callable[[str], Any]:
    begins = {}
    with open(directory / "all", "wb") as whole:
        for name in names:
            begins[name] = whole.tell()
            whole.write((directory / name).read_bytes())
    handle = slow(files, directory / "all")
    return lambda name: io.BufferedReader(
        Slice(handle, begins[name], (directory / name).stat().st_size)
    )


@pytest.mark.parametrize("parts", [members_of_a_tar, members_of_a_zip, slices_of_a_handle])
def test_parts_of_one_file(
    open_lease: OpenLease, raw: Any, spec: Any, tmp_path: Path, files: ExitStack, parts: Any
) -> None:
    """The digest is of what was read, so that it proves nothing when that is another's part."""
    names = [item.path for item in spec.fileItem]
    sums = {name: hashlib.sha1((tmp_path / name).read_bytes()).hexdigest() for name in names}
    open_part = parts(files, tmp_path, names)
    with open_lease(raw, max_concurrency=8) as lease:
        lease.wait_ready(10)
        uploads = [lease.start_upload(item, open_part(item.path)) for item in spec.fileItem]
        results = [upload.result() for upload in uploads]
    assert {result.name: result.checksum for result in results} == sums
    assert {result.verified for result in results} == {"manifest"}


def buffers_over_one_raw_file(files: ExitStack, path: Path) -> list[Any]:
    raw = slow(files, path)
    return [files.enter_context(io.BufferedReader(raw)) for _ in range(2)]


def duplicated_descriptors(files: ExitStack, path: Path) -> list[Any]:
    first = slow(files, path)
    return [first, files.enter_context(open(os.dup(first.fileno()), "rb"))]


def objects_over_one_descriptor(files: ExitStack, path: Path) -> list[Any]:
    first = slow(files, path)
    number = first.fileno()
    return [first, files.enter_context(open(number, "rb", closefd=False))]


@pytest.mark.parametrize(
    "several",
    [buffers_over_one_raw_file, duplicated_descriptors, objects_over_one_descriptor],
)
def test_several_over_one_position(
    open_lease: OpenLease, raw: Any, spec: Any, tmp_path: Path, files: ExitStack, several: Any
) -> None:
    """Nobody knows where the second began: the first moves it."""
    one, other = (item for item in spec.fileItem if not item.path.endswith(".vmdk"))
    content = os.urandom(11_000_000)
    (tmp_path / "long").write_bytes(content)
    one.size = other.size = len(content)
    with open_lease(raw, require_uploads=False) as lease:
        lease.wait_ready(10)
        first, second = several(files, tmp_path / "long")
        upload = lease.start_upload(one, first)
        with pytest.raises(ValueError, match=f"running transfer of {one.path} are over one"):
            lease.start_upload(other, second)
        assert upload.result().checksum == hashlib.sha1(content).hexdigest()


def test_each_its_own_way_to_one_file(
    open_lease: OpenLease, raw: Any, spec: Any, tmp_path: Path, files: ExitStack
) -> None:
    """They share a file and no position: neither is sent back, which would unpack it all again."""
    items = [item for item in spec.fileItem if not item.path.endswith(".vmdk")]
    content = os.urandom(11_000_000)
    (tmp_path / "long.gz").write_bytes(gzip.compress(content, 1))
    wanted = hashlib.sha1(content).hexdigest()

    class Counting(gzip.GzipFile):
        seeks = 0

        def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
            type(self).seeks += whence == io.SEEK_END
            return super().seek(offset, whence)

    with open_lease(raw, require_uploads=False) as lease:
        lease.wait_ready(10)
        uploads = []
        for item in items:
            item.size = len(content)
            source = files.enter_context(Counting(tmp_path / "long.gz"))
            uploads.append(lease.start_upload(item, source))
        assert [upload.result().checksum for upload in uploads] == [wanted] * 2
    assert Counting.seeks == 2  # to know the lengths


class OfAnOddSize(io.BytesIO):
    """Nothing else of this process is as large, and takes the place of one that is let go."""

    __slots__ = tuple(f"_{number}" for number in range(36))


def test_a_new_source_where_an_old_one_was(
    open_lease: OpenLease, simulator: Simulator, raw: Any, spec: Any, tmp_path: Path
) -> None:
    """A source that was read and let go is not known by its address."""
    simulator.inject("soap_delay", method="HttpNfcLeaseGetManifest", seconds=1)
    disks = [item for item in spec.fileItem if item.path.endswith(".vmdk")]
    small = next(item for item in spec.fileItem if not item.path.endswith(".vmdk"))
    small.size = len(b"other")
    with open_lease(raw, require_uploads=False) as lease:
        lease.wait_ready(10)
        source = OfAnOddSize((tmp_path / disks[0].path).read_bytes())
        first = lease.start_upload(disks[0], source)
        address = id(source)
        del source
        deadline = time.monotonic() + 10
        while True:  # until it is let go, and another has its address
            assert time.monotonic() < deadline
            gc.collect()
            others = [OfAnOddSize(b"other") for _ in range(1000)]
            found = [other for other in others if id(other) == address]
            if found:
                break
            time.sleep(0.01)
        running = not first.done()
        second = lease.start_upload(small, found[0])
        assert second.result().checksum == hashlib.sha1(b"other").hexdigest()
        first.result()
    assert running


def two_writers_over_one_raw_file(files: ExitStack, path: Path) -> list[Any]:
    raw = io.FileIO(path, "w")
    return [files.enter_context(io.BufferedWriter(raw)) for _ in range(2)]


def two_over_one_descriptor(files: ExitStack, path: Path) -> list[Any]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    both = descriptor, os.dup(descriptor)
    return [files.enter_context(open(one, "wb")) for one in both]


def two_of_one_file(files: ExitStack, path: Path) -> list[Any]:
    return [files.enter_context(open(path, "wb")) for _ in range(2)]


def two_compressors_over_one_file(files: ExitStack, path: Path) -> list[Any]:
    raw = files.enter_context(io.FileIO(path, "w"))
    return [files.enter_context(gzip.GzipFile(fileobj=raw, mode="wb")) for _ in range(2)]


@pytest.mark.parametrize(
    "several",
    [
        two_writers_over_one_raw_file,
        two_over_one_descriptor,
        two_of_one_file,
        two_compressors_over_one_file,
    ],
)
def test_two_targets_over_one_position(
    simulator: Simulator, lease: Any, tmp_path: Path, files: ExitStack, several: Any
) -> None:
    """Their bytes would mix, and each would be verified."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    one, other = several(files, tmp_path / "target")
    first, second = [url for url in lease.info.deviceUrl if url.disk][:2]
    transfer = lease.start_download(first, one)
    with pytest.raises(ValueError, match=r"running transfer of disk-1\.vmdk"):
        lease.start_download(second, other)
    assert transfer.result().verified == "manifest"


def test_a_source_that_somebody_else_moves(tmp_path: Path) -> None:
    """It is read on from its own place, whatever stands in the buffer."""
    content = os.urandom(100_000)
    (tmp_path / "source").write_bytes(content)
    with open(tmp_path / "source", "rb") as file:
        file.seek(1000)
        source = SourceEnd(file, "disk")
        parts = [source.read(40_000)]
        for place in (0, 50_000, 100_000):
            file.seek(place)
            file.read(10)
            parts.append(source.read(10_000))
        while data := source.read(50_000):
            parts.append(data)
            os.lseek(file.fileno(), 7, os.SEEK_SET)
    assert b"".join(parts) == content[1000:]


@pytest.mark.parametrize("move", [lambda file: file.seek(0), lambda file: file.write(b"mine")])
@pytest.mark.parametrize(
    "step", [lambda end: end.write(b"more"), lambda end: end.rewind(), lambda end: end.finish()]
)
def test_a_target_that_somebody_else_moves(tmp_path: Path, move: Any, step: Any) -> None:
    """Bytes of two writers cannot be told apart any more: neither written on nor taken back."""
    with open(tmp_path / "target", "w+b") as file:
        target = TargetEnd(file, "disk")
        target.write(b"first")
        move(file)
        before = file.tell()
        with pytest.raises(ValueError, match=r"somebody else moved .* while disk was written"):
            step(target)
        assert file.tell() == before
        target.free()


def test_a_download_whose_target_somebody_else_moves(open_lease: OpenLease, tmp_path: Path) -> None:
    """Before the second attempt, which would write over what is not its own: there is none."""
    with Simulator(disk_size=12 << 20) as simulator:
        simulator.inject("stall", disk=".vmdk", after_bytes=10 << 20)
        service = simulator.connect()
        raw = demo_vm_of(service).ExportVm()
        seen: list[int] = []
        moved: list[int] = []
        with open(tmp_path / "target", "w+b") as file:

            def move(snapshot: Any) -> None:
                seen.append(snapshot.bytes_done)
                if file.tell() and seen[-3:] == [seen[-1]] * 3 and not moved:  # nothing moves
                    moved.append(file.seek(0))

            lease = open_lease(raw, timeout=3)
            with pytest.raises(ValueError, match="somebody else moved"), lease:
                lease.download(disk_of(lease), file, progress=move)
        assert moved == [0]
        assert endings(simulator) == ["HttpNfcLeaseAbort"]
        assert len(simulator.requests()) == 1
        Disconnect(service)
