"""Disks of a package as images: their names and sums, and what the descriptor says of them."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from nfclease import _core
from nfclease._local.images import image_format
from nfclease.appliance._digests import digests
from nfclease.appliance._included import file_name
from nfclease.exceptions import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from nfclease.appliance._included import Included
    from nfclease.appliance.results import ExportedFile

#: Each format, and the URI of its specification, which ``ovf:format`` is (DSP0243, 9.1).
FORMATS = {
    "raw": "https://www.qemu.org/docs/master/system/images.html#disk-image-file-formats",
    "qcow2": "https://www.qemu.org/docs/master/interop/qcow2.html",
}
#: What a host sends.
STREAM = "streamOptimized"

_VALUE = rb"""(?:"[^"]*"|'[^']*')"""
_NAME = rb"(?:[\w.-]+:)?"
#: The attribute of each ``Disk`` element, behind any others.
_FORMAT = re.compile(
    rb"(<%bDisk(?:\s+[\w.:-]+\s*=\s*%b)*?\s+%bformat\s*=\s*)(%b)" % (_NAME, _VALUE, _NAME, _VALUE)
)


def image_of(disk_format: Any, qcow2_compression: Any) -> _core.ImageFormat | None:
    """What a disk becomes; None for the stream itself.

    Raises:
        ValueError: No disk becomes that, or it is not compressed so.
    """
    if disk_format is None:
        if qcow2_compression is not None:
            raise ValueError("qcow2_compression is for disk_format='qcow2', which is not given")
        return None
    return image_format("disk_format", disk_format, qcow2_compression)


def check_archive(disk_format: str | None) -> None:
    """Refuses images in an archive.

    Raises:
        ValueError: There are to be some.
    """
    if disk_format is not None:
        raise ValueError(
            f"disk_format={disk_format!r} is for a directory: an OVA is for vSphere, which takes "
            "streams; give a target that does not end in .ova"
        )


def named(
    files: list[Included], disk_format: str | None, name: str, others: list[str]
) -> list[Included]:
    """The files with the names that disks of this format have: ``NAME-disk-0.raw``.

    Args:
        files: As the lease has them.
        disk_format: Of the disks; None leaves them.
        name: What the VM is called in the package.
        others: The names of descriptor and manifest file.

    Raises:
        UnsafePathError: Two names are the same.
    """
    if disk_format is None:
        return files
    count, renamed = 0, []
    for file in files:
        if file.is_disk:
            file = file._replace(name=f"{file_name(name)}-disk-{count}.{disk_format}")
            count += 1
        renamed.append(file)
    _core.safe_names([file.name for file in renamed] + others)
    return renamed


def sized(
    rows: list[ExportedFile], targets: Mapping[str, Any], disk_format: str | None
) -> list[ExportedFile]:
    """The rows, those of disks with format and size of their images.

    Args:
        rows: With what is known of the streams.
        targets: Where each image is, by its name.
        disk_format: Of the images; None without images.

    Raises:
        OSError: An image is gone.
    """
    if disk_format is None:
        return rows
    return [
        replace(row, format=disk_format, size=os.path.getsize(targets[row.name]))
        if row.disk
        else row
        for row in rows
    ]


def summed(
    rows: list[ExportedFile], targets: Mapping[str, Any], kind: str, goes_on: Callable[[], None]
) -> list[ExportedFile]:
    """The rows, those of disks with the sums of their images, which are read for it.

    Args:
        rows: With what is known of the streams.
        targets: Where each image is, by its name.
        kind: The digest.
        goes_on: Raises when nobody waits any more.

    Raises:
        OSError: An image cannot be read.
    """
    found = []
    for row in rows:
        if row.disk:
            found_sums = digests(targets[row.name], [kind], goes_on)
            row = replace(row, checksum=found_sums[kind], checksum_type=kind)
        found.append(row)
    return found


def described(descriptor: bytes, disk_format: str | None) -> bytes:
    """The descriptor with the ``ovf:format`` of its disks; all else of it stays.

    Raises:
        ProtocolError: It gives a disk no format that could be replaced.
    """
    if disk_format is None:
        return descriptor
    uri = FORMATS[disk_format]
    made = _FORMAT.sub(rb'\g<1>"' + uri.encode() + b'"', descriptor)
    disks = _core.parse_descriptor(made)["disks"]
    if wrong := [disk["disk_id"] for disk in disks if disk["file_ref"] and disk["format"] != uri]:
        raise ProtocolError(f"the descriptor gives no format that can be replaced to {wrong}")
    return made
