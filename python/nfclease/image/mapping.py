"""Which parts of a disk are stored."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease.image.opening import opened_disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from nfclease import _core

__all__ = ["DiskExtent", "map"]

#: Taken from the core at once.
_ROWS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskExtent:
    """Some sectors of a disk that are stored in the same way, as ``qemu-img map`` tells it.

    Attributes:
        start: Where they begin, in bytes of the disk.
        length: How many bytes they are.
        present: Whether the file says anything of them; what it says nothing of reads as zeros.
        zero: Whether they read as zeros, as far as the tables say. Zeros may be stored, too.
        data: Whether they are stored, in grains.
        compressed: Whether they are compressed, as all that is stored here is.
        offset: Where the first of their grains is, in bytes of the file; None where none is stored.

    Examples:
        >>> from nfclease import image
        >>> [(one.start, one.length, one.data) for one in image.map("disk.vmdk")]
        [(0, 65536, True), (65536, 983040, False)]
    """

    start: int
    length: int
    present: bool
    zero: bool
    data: bool
    compressed: bool
    offset: int | None


def map(path: str | os.PathLike[str], *, member: str | None = None) -> Iterator[DiskExtent]:  # noqa: A001
    """Tells which parts of a streamOptimized disk are stored, from the first sector to the last.

    The tables are read as they are needed, and no grain. The answer is that of ``qemu-img map
    --output=json`` on the same file.

    Args:
        path: As for :func:`open`.
        member: As for :func:`open`.

    Returns:
        The extents in order, of which two that follow each other differ; together they are the
        disk. What is wrong with a table is raised when it is reached.

    Raises:
        DiskFormatError: It is not a streamOptimized disk, or a table is damaged.
        PackageError: As for :func:`open`.
        FileNotFoundError: As for :func:`open`.
        OSError: As for :func:`open`.
        TypeError: As for :func:`open`.
        ValueError: As for :func:`open`.

    Examples:
        >>> from nfclease import image
        >>> sum(extent.length for extent in image.map("disk.vmdk") if extent.data)
        65536
    """
    return _extents(opened_disk(path, member))


def _extents(disk: _core.OpenDisk) -> Iterator[DiskExtent]:
    extents = disk.extents()
    while rows := extents.next(_ROWS):
        for start, length, stored, offset in rows:
            yield DiskExtent(
                start=start,
                length=length,
                present=stored != "absent",
                zero=stored != "data",
                data=stored == "data",
                compressed=stored == "data",
                offset=offset,
            )
