"""A disk of an export as a file of its sectors."""

from __future__ import annotations

import errno
import io
import os

from nfclease import _core
from nfclease._local.ends import local_path
from nfclease.appliance._verified_disk import is_disk
from nfclease.appliance.disk_info import DiskInfo, info_of_disk
from nfclease.exceptions import DiskFormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Buffer

__all__ = ["DiskReader", "open"]

#: As much as a grain, which is read as a whole in any case.
_BUFFER = 65536
#: The most that the core gives at once.
_PIECE = 4 << 20


class DiskReader(io.BufferedReader):
    """A binary file of the disk's sectors, read-only, with all methods of such a file.

    :func:`open` makes it. What the disk has no grain for reads as zeros. A read decompresses the
    grains that it touches, and compares each with its own checksum; the last ones are kept, in
    5 MiB at most. Several threads may use it at once, as any buffered file; :meth:`read_at` needs
    no position and keeps none of them waiting.

    Reads and seeks raise:
        DiskFormatError: A grain or a table is damaged or missing; the message says where, and which
            sectors that touches.
        OSError: It cannot be read.
        ValueError: It is closed.

    Examples:
        >>> from nfclease import image
        >>> with image.open("disk.vmdk") as disk:
        ...     disk.read(13), disk.seek(-512, 2), len(disk.read()), disk.size
        (b'a boot sector', 1048064, 512, 1048576)
    """

    def __init__(self, disk: _core.OpenDisk) -> None:
        self._sectors = _Sectors(disk)
        super().__init__(self._sectors, _BUFFER)

    @property
    def size(self) -> int:
        """Bytes of the disk."""
        return self._sectors.size

    @property
    def info(self) -> DiskInfo:
        """What header, text and tables say, all of which are read.

        Raises:
            DiskFormatError: A table is damaged.
            OSError: It cannot be read.
            ValueError: It is closed.

        Examples:
            >>> from nfclease import image
            >>> with image.open("disk.vmdk") as disk:
            ...     disk.info.grains
            1
        """
        return info_of_disk(self._sectors.core())

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes from a place on, whatever the position is, which stays as it is.

        Args:
            offset: Where they begin, in bytes, 0 or more.
            size: How many, 0 or more.

        Returns:
            The bytes; fewer where the disk ends.

        Raises:
            DiskFormatError: As for any read.
            OSError: As for any read.
            ValueError: A number is negative, or the file is closed.

        Examples:
            >>> from nfclease import image
            >>> with image.open("disk.vmdk") as disk:
            ...     disk.read_at(2, 4), disk.tell()
            (b'boot', 0)
        """
        if offset < 0 or size < 0:
            raise ValueError(f"offset and size must be 0 or more, not {offset} and {size}")
        return self._sectors.read_at(offset, size)


class _Sectors(io.RawIOBase):
    """The same without a buffer."""

    def __init__(self, disk: _core.OpenDisk) -> None:
        super().__init__()
        self._disk: _core.OpenDisk | None = disk
        self.name, self.size = disk.name, disk.size
        self.mode = "rb"
        self._at = 0

    def core(self) -> _core.OpenDisk:
        disk = self._disk
        if disk is None:
            raise ValueError("I/O operation on closed file")
        return disk

    def read_at(self, offset: int, size: int) -> bytes:
        disk, end = self.core(), min(offset + size, self.size)
        if end - offset <= _PIECE:
            return disk.read_at(offset, end - offset) if offset < end else b""
        pieces = (disk.read_at(at, min(_PIECE, end - at)) for at in range(offset, end, _PIECE))
        return b"".join(pieces)

    def readable(self) -> bool:
        self.core()
        return True

    def seekable(self) -> bool:
        self.core()
        return True

    def tell(self) -> int:
        self.core()
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.core()
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}
        if whence not in starts:
            raise ValueError(f"whence must be 0, 1 or 2, not {whence}")
        at = starts[whence] + offset
        if at < 0:
            raise ValueError(f"negative seek position {at}")
        self._at = at
        return at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        read = self.read_at(self._at, min(len(view), _PIECE))
        view[: len(read)] = read
        self._at += len(read)
        return len(read)

    def readall(self) -> bytes:
        rest = self.read_at(self._at, max(0, self.size - self._at))
        self._at += len(rest)
        return rest

    def close(self) -> None:
        self._disk = None
        super().close()


def open(path: str | os.PathLike[str], *, member: str | None = None) -> DiskReader:  # noqa: A001
    r"""Opens a streamOptimized disk as a file of its sectors, without unpacking it.

    Its header, its text and its footer are read, and of tables and grains what is asked for
    (VMware "Virtual Disk Format 5.0"), so that a disk of any size is open in a moment. The tables
    may be at the end, as VMware writes them, or in front.

    Args:
        path: The path of a ``.vmdk``; or of an ``.ova``, an ``.ovf`` or its directory, whose disk
            is read where it is.
        member: The disk's file in the package, as the descriptor calls it; None where the package
            has one disk only.

    Returns:
        The file object, to be closed by its ``with`` block or ``close()``.

    Raises:
        DiskFormatError: It is not a streamOptimized disk, or damaged, cut, or compressed as a whole
            with gzip.
        PackageError: The package is broken, or the file is missing in it.
        FileNotFoundError: The file does not exist, or is not in the package.
        OSError: It cannot be read.
        TypeError: `path` or `member` is of the wrong kind.
        ValueError: `member` is missing where a package has several disks, or given for a disk.

    Examples:
        The boot sector of a disk in an archive:

        >>> from nfclease import image
        >>> with image.open(package, member="disk.vmdk") as disk:
        ...     disk.read(512).rstrip(b"\0")
        b'a boot sector'
    """
    return DiskReader(opened_disk(path, member))


def opened_disk(path: Any, member: str | None) -> _core.OpenDisk:
    """The disk at a path, or in the package there."""
    if member is not None and not isinstance(member, str):
        raise TypeError(f"member must be a string or None, not {type(member).__name__}")
    place = os.fspath(local_path(path))
    if is_disk(place):
        if member is not None:
            raise ValueError(f"member is for a package, and {place} is a disk")
        return _core.OpenDisk.of_path(place)
    package = _core.Package.of_path(place)
    file = _file_of(package, place, member)
    if file["compression"] == "gzip":
        raise DiskFormatError(
            f"{place}: {file['href']} is compressed with gzip as a whole; unpack the package and "
            "gunzip it first"
        )
    return _core.OpenDisk.of_member(
        package, file["href"], chunk_size=file["chunk_size"], size=file["size"]
    )


def _file_of(package: _core.Package, place: str, member: str | None) -> dict[str, Any]:
    """What the descriptor says of the file."""
    name = package.descriptor_name
    said = _core.parse_descriptor(package.descriptor, name=name, allow_outside=True)
    files: list[dict[str, Any]] = said["files"]
    if member is not None:
        found = [file for file in files if member in (file["href"], file["path"])]
        if not found:
            there = ", ".join(file["href"] for file in files) or "none"
            text = f"the package has no such file; its files: {there}"
            raise FileNotFoundError(errno.ENOENT, text, member)
        return found[0]
    refs = {disk["file_ref"] for disk in said["disks"]}
    disks = [file for file in files if file["id"] in refs]
    if len(disks) != 1:
        there = ", ".join(file["href"] for file in disks) or "none"
        raise ValueError(f"member must name one of the disks in {place}: {there}")
    return disks[0]
