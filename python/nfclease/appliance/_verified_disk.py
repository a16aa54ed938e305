"""A disk of which every grain is looked at: one of a package, or a file by itself."""

from __future__ import annotations

import os
import stat

from nfclease import _core
from nfclease._text import escaped
from nfclease.appliance._reading import Reading, read_all
from nfclease.appliance.verify_result import VerifiedDisk, VerifiedFile, VerifyResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._face import Face
    from nfclease.progress import ProgressOption

#: How a sparse VMDK begins.
_MAGIC = b"KDMV"


def is_disk(path: str) -> bool:
    """Whether a path is a disk, and not a package: by its first bytes, or its name."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return is_file and (file.read(4) == _MAGIC or path.lower().endswith(".vmdk"))
    except OSError:
        return False  # who opens it as a package says why


def _without_waiting(path: str, flags: int) -> int:
    """A FIFO waits for its writer otherwise."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class _Disk(Reading):
    """A file that is a disk, by its path."""

    def _begin(self, package: None) -> _core.Reading:
        return _core.Reading.of_disk(self.name, self._check)


async def verified_disk(
    face: Face, path: str, progress: ProgressOption, grains: bool
) -> VerifyResult:
    """What ``verify`` returns of a disk by itself."""
    reading = _Disk(path, sums=[], disk="grains" if grains else "ends")
    await read_all(face, None, [reading], 1, progress)
    if reading.error is not None:
        raise reading.error
    name = os.path.basename(path)
    [(_, size, _)] = reading.pieces
    disks = () if reading.disk is None else (disk_of(name, reading.disk),)
    return VerifyResult(
        path=path,
        files=(VerifiedFile(name=name, size=size),),
        problems=() if reading.flaw is None else (f"{escaped(name)}: {reading.flaw}",),
        notes=tuple(note for disk in disks for note in disk_notes(disk)),
        disks=disks,
    )


def disk_of(name: str, found: dict[str, Any]) -> VerifiedDisk:
    """The row of a disk."""
    finding = found["finding"] or {"kind": "", "offset": None, "sectors": None, "reason": ""}
    return VerifiedDisk(
        name=name,
        capacity=found["capacity"],
        populated=found["populated"],
        grains=found["grains"],
        directory_in_front=found["directory_in_front"],
        end_marker=found["end_marker"],
        flaw=finding["kind"],
        offset=finding["offset"],
        sectors=finding["sectors"],
        reason=finding["reason"],
    )


def disk_notes(disk: VerifiedDisk) -> list[str]:
    """What is odd about a disk that is whole."""
    if disk.flaw:
        return []
    name, notes = escaped(disk.name), []
    if disk.directory_in_front:
        notes.append(f"{name}: its grain directory is in front, as VMware does not write it")
    if not disk.end_marker:
        notes.append(f"{name}: it has no end-of-stream marker, which ESXi may refuse")
    return notes
