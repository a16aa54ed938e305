"""What is in a disk by itself, as a person likes to read it."""

from __future__ import annotations

import sys

from nfclease.cli.described import plain
from nfclease.cli.tables import capacity, fields, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nfclease.appliance.disk_info import DiskInfo

#: Lines of the text in a disk that are shown; a host writes about 20.
_MOST = 60


def disk_lines(disk: DiskInfo, source: str, width: int | None) -> list[str]:
    """Lines about it; None as the width wraps nothing."""
    lines = fields(_summary(disk, source), width)
    lines += ["", f"stored  |{_picture(disk)}|"]
    text = [(plain(name), plain(value)) for name, value in disk.descriptor.items()]
    more = [f"and {len(text) - _MOST} lines more"] if len(text) > _MOST else []
    return [*lines, "", *fields(text[:_MOST], width), *more]


def _summary(disk: DiskInfo, source: str) -> Iterator[tuple[str, str]]:
    yield "disk", f"{plain(source)} (streamOptimized, version {disk.version})"
    yield "capacity", capacity(disk.capacity)
    zeros = f", {disk.zero_grains:,} more are of zeros" if disk.zero_grains else ""
    grains = f"{disk.grains:,} grains of {capacity(disk.grain_size)}{zeros}"
    yield "in use", f"{capacity(disk.populated)}, {grains}"
    yield "size", size(disk.stored_size)
    yield "directory", "in front" if disk.directory_in_front else "at the end, with a footer"
    yield "end", "end-of-stream marker" if disk.end_marker else "no end-of-stream marker"


def _picture(disk: DiskInfo) -> str:
    """Blocks, where the output can show them."""
    picture = disk.picture()
    try:
        picture.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return disk.picture(ascii_only=True)
    return picture
