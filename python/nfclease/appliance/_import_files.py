"""The files that a server wants of a package: found, and judged, before any lease is there."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from nfclease import _core
from nfclease._local.items import CIM_DISK
from nfclease._notes import add_note
from nfclease._text import escaped
from nfclease.exceptions import DiskFormatError, PackageError, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    from nfclease.appliance._listed import Line
    from nfclease.appliance._sums import Sums

#: Names of raw disks, whose bytes do not say what they are.
_RAW = (".raw", ".img")


class Wanted(NamedTuple):
    """A file that is to be sent.

    Attributes:
        item: The server's ``FileItem``.
        file: What the descriptor says of it.
        name: Its name in the package.
        line: Its line in the manifest file, of several the one that is compared while it is sent;
            None where it has none.
        converted_from: ``qcow2`` or ``raw``, where a stream is sent that is made of it.
        stream: The path of that, once it is there.
    """

    item: Any
    file: dict[str, Any]
    name: str
    line: Line | None
    converted_from: Literal["qcow2", "raw"] | None = None
    stream: str | None = None

    @property
    def is_packed(self) -> bool:
        """Whether other bytes are stored than are sent: the manifest file is about the former."""
        is_plain = self.file["chunk_size"] is None and self.file["compression"] == "identity"
        return not is_plain or self.converted_from is not None

    @property
    def is_disk(self) -> bool:
        """Whether it is to become a disk."""
        return self.item.cimType == CIM_DISK and not self.item.create

    def check_capacity(self, descriptor: dict[str, Any], holds: int | None) -> None:
        """Compares what the disk in it can hold with what it is to become.

        Raises:
            PackageError: It is larger: its end would be lost.
        """
        disks = {disk["file_ref"]: disk for disk in descriptor["disks"]}
        disk = disks.get(self.file["id"]) if self.is_disk else None
        target = disk["capacity"] if disk else None
        if disk is None or holds is None or target is None or holds <= target:
            return
        raise PackageError(
            f"{escaped(self.name)} is a disk of {holds:,} bytes, and the descriptor makes one of "
            f"only {target:,} of it ({escaped(disk['disk_id'])}); its ovf:capacity is wrong"
        )

    def stored(self, package: _core.Package | _core.Incoming) -> list[str]:
        """What is stored of it: its pieces, else the file itself."""
        href = self.file["href"]
        if self.file["chunk_size"] is None or isinstance(package, _core.Incoming):
            return [href]
        names = (f"{href}.{number:09}" for number in itertools.count())
        pieces = itertools.takewhile(lambda name: package.member_size(name) is not None, names)
        return [*pieces] or [href]

    def source(self, package: _core.Package | _core.Incoming) -> _core.Source:
        """What its upload reads. Blocks until a stream comes to it, or a compressed one is read."""
        if self.stream is not None:
            return _core.Source.of_path(self.stream)
        if isinstance(package, _core.Incoming):
            return package.source(self.file["href"])
        found: _core.Source = package.source(
            self.file["href"],
            chunk_size=self.file["chunk_size"],
            size=self.file["size"],
            gzip=self.file["compression"] == "gzip",
        )
        return found


def other_format(package: _core.Package, file: Mapping[str, Any]) -> Literal["qcow2", "raw"] | None:
    """The format of a disk that is not a stream, by its first bytes and its name. Blocks."""
    href = file["href"]
    is_whole = file["chunk_size"] is None and file["compression"] == "identity"
    if not is_whole or package.member_size(href) is None:
        return None
    format = package.image_format(href)
    if format is None:
        return "raw" if href.lower().endswith(_RAW) else None
    return "qcow2" if format == "qcow2" else None


def wanted_of(
    items: Sequence[Any],
    descriptor: dict[str, Any],
    package: _core.Package | _core.Incoming,
    sums: Sums,
) -> list[Wanted]:
    """Each item with its file, in the server's order.

    Raises:
        ProtocolError: The server wants what the descriptor does not list.
        PackageError: Files are missing in the package; the message names them all.
    """
    by_path = {name: file for file in descriptor["files"] for name in (file["path"], file["href"])}
    found = []
    for item in items:
        file = by_path.get(item.path)
        if file is None:
            raise ProtocolError(
                f"CreateImportSpec wants a file {escaped(item.path or '')!r} for "
                f"{escaped(item.deviceId or '')}, and the descriptor lists no such file"
            )
        line = sums.chosen(file["path"])
        found.append(Wanted(item, file, file["path"], line))
    if not isinstance(package, _core.Incoming):  # nobody knows yet what comes
        _check_all_there(found, package)
    return found


def _check_all_there(found: Sequence[Wanted], package: _core.Package) -> None:
    missing = [
        each.name
        for each in found
        if each.file["chunk_size"] is None and package.member_size(each.file["href"]) is None
    ]
    if missing:
        names = ", ".join(escaped(name) for name in dict.fromkeys(missing))
        raise PackageError(
            f"{package.descriptor_name} lists files that the package does not have: {names}; "
            "nothing was imported. Get the package again, or put them beside the descriptor"
        )


def looked_at(
    wanted: Sequence[Wanted],
    descriptor: dict[str, Any],
    package: _core.Package,
    options: Mapping[str, Any],
) -> list[_core.Source]:
    """The source of each, judged as its upload would judge it before the first byte. Blocks.

    Raises:
        DiskFormatError: What is to become a disk is not a whole streamOptimized VMDK.
        SizeMismatchError: A file is not as long as the descriptor says.
        PackageError: A disk is larger than what it is to become; a piece is missing.
    """
    capacity = sum(disk["capacity"] or 0 for disk in descriptor["disks"])
    sources = []
    for each in wanted:
        size = None if each.is_packed else each.file["size"]
        source = each.source(package)
        if each.converted_from is not None and each.stream is None:  # a plan makes none
            sources.append(source)
            continue
        try:
            _, holds = source.look(
                each.name,
                is_disk=each.is_disk,
                size=size,
                disk_capacity=capacity,
                verify_format=options.get("verify_format", True),
                verify_size=options.get("verify_size", True),
            )
        except DiskFormatError as error:
            if kind := other_format(package, each.file):
                add_note(
                    error, f"it is a {kind} disk: convert=True sends a VMDK that is made of it"
                )
            raise
        each.check_capacity(descriptor, holds)
        sources.append(source)
    return sources
