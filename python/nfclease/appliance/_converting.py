"""Disks of a package that are not streams: a stream is made of each, before the lease exists."""

from __future__ import annotations

import html
import os
import re
from functools import partial

from nfclease import _core
from nfclease._arguments import unsized
from nfclease._local.spools import Spool
from nfclease._log import extra, logger
from nfclease._text import escaped
from nfclease.appliance._import_files import other_format
from nfclease.appliance._reading import Reading, read_all
from nfclease.exceptions import SizeMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from nfclease.appliance._face import Face
    from nfclease.appliance._import_files import Wanted
    from nfclease.appliance._sums import Sums
    from nfclease.progress import ProgressOption

_STREAM = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
_DISK = re.compile(r"<(?:[\w.-]+:)?Disk\b[^>]*>")
_FILE_REF = re.compile(r"""\b(?:[\w.-]+:)?fileRef\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_FORMAT = re.compile(r"""(\b(?:[\w.-]+:)?format\s*=\s*)(?:"[^"]*"|'[^']*')""")
_SECTOR = 512


class Converting:
    """``async with`` it: what was made is removed at the end of the block.

    Args:
        face: How the job waits.
        is_asked: Whether disks are converted at all.
        is_elsewhere: Whether the package is at an address: each such disk comes here first.
    """

    def __init__(self, face: Face, *, is_asked: bool, is_elsewhere: bool = False) -> None:
        self._face, self._is_asked, self._spool = face, is_asked, Spool()
        self._is_elsewhere = is_elsewhere
        #: The formats of the disks that are converted, by the ids of their files.
        self._formats: dict[str, Literal["qcow2", "raw"]] = {}

    async def __aenter__(self) -> Converting:
        return self

    async def __aexit__(self, _kind: object, cause: BaseException | None, _at: object) -> None:
        if self._formats:
            await self._face.cleanup(self._spool.remove, cause)

    async def find(self, package: Any, descriptor: Mapping[str, Any]) -> None:
        """Finds the disks that are not streams.

        Raises:
            ValueError: The package is read in order, and was not saved.
        """
        if self._is_asked:
            if isinstance(package, _core.Incoming):
                raise ValueError(
                    "convert=True looks at disks, and this package is read in order: only an "
                    "import does that; to plan one, save the package first"
                )
            look = partial(_formats, package, descriptor)
            self._formats = await self._face.in_thread(look)

    def text(self, text: str) -> str:
        """The descriptor as it is true of what is sent: a server takes no other format."""

        def changed(tag: re.Match[str]) -> str:
            found = _FILE_REF.search(tag[0])
            named = "" if found is None else html.unescape(found[1] or found[2] or "")
            if named not in self._formats:
                return tag[0]
            return _FORMAT.sub(rf'\g<1>"{_STREAM}"', tag[0], count=1)

        return _DISK.sub(changed, text)

    def marked(self, wanted: list[Wanted]) -> list[Wanted]:
        """The files, with the formats of those that are converted."""
        return [
            each._replace(item=unsized(each.item), converted_from=self._formats[each.file["id"]])
            if each.file["id"] in self._formats
            else each
            for each in wanted
        ]

    def fetches(self, wanted: Wanted) -> bool:
        """Whether the stored file comes here first, and is compared with its lines then."""
        return self._is_elsewhere and wanted.converted_from is not None

    async def make(
        self,
        package: _core.Package,
        descriptor: Mapping[str, Any],
        wanted: list[Wanted],
        sums: Sums,
        progress: ProgressOption,
        *,
        verify_size: bool,
    ) -> None:
        """Makes the streams, one after the other, each on all cores.

        Raises:
            ChecksumMismatchError: A file that came here is not what the manifest file says.
            DiskFormatError: A disk is damaged, or of a kind that is not read.
            PackageError: A disk is larger than what it is to become.
            SizeMismatchError: A file is not as long as the descriptor says.
        """
        capacities = {disk["file_ref"]: disk["capacity"] for disk in descriptor["disks"]}
        for number, each in enumerate(wanted):
            if each.converted_from is None:
                continue
            if verify_size:
                await self._face.in_thread(partial(_check_size, package, each))
            capacity = capacities.get(each.file["id"])
            if capacity is not None and capacity % _SECTOR:
                capacity = None
            copy = None
            if self.fetches(each):
                copy = await self._fetched(package, each, sums, progress)
            job = _Stream(each.file["href"], self._spool, capacity, copy)
            await self._read(package, job, progress)
            if copy is not None:
                await self._face.in_thread(partial(os.unlink, copy))
            wanted[number] = each._replace(stream=job.path)
            await self._face.in_thread(partial(_say, wanted[number], job.path))

    async def _fetched(
        self, package: _core.Package, wanted: Wanted, sums: Sums, progress: ProgressOption
    ) -> str:
        kinds = [algorithm for algorithm, _ in sums.of(wanted.name)]
        job = _Copy(wanted.file["href"], self._spool, kinds)
        await self._read(package, job, progress)
        sums.check(wanted.name, dict(zip(kinds, job.found, strict=True)))
        return job.path

    async def _read(self, package: _core.Package, job: Reading, progress: ProgressOption) -> None:
        await read_all(self._face, package, [job], 1, progress)
        if job.error is not None:
            raise job.error


class _Copy(Reading):
    """A disk that comes here as it is stored."""

    def __init__(self, href: str, spool: Spool, kinds: list[str]) -> None:
        super().__init__(href, sums=kinds)
        self._spool, self.path = spool, ""
        #: The checksums.
        self.found: list[str] = []

    def _begin(self, package: Any) -> _core.Reading:
        self.path = self._spool.next_path()
        return self._spool.started(package.fetch(self.name, self.path, self.sums))

    def _keep(self, found: Any) -> None:
        self.found = found


class _Stream(Reading):
    """A disk that is read while a stream is made of it: that of the package, or a copy."""

    def __init__(self, href: str, spool: Spool, capacity: int | None, copy: str | None) -> None:
        super().__init__(href, sums=[])
        self._spool, self._capacity, self._copy, self.path = spool, capacity, copy, ""

    def _begin(self, package: Any) -> _core.Reading:
        self.path = self._spool.next_path()
        if self._copy is not None:
            return self._spool.encoding(self._copy, self.path, self._capacity, name=self.name)
        work: _core.Reading = package.encode(self.name, self.path, self._capacity)
        return self._spool.started(work)

    def _keep(self, found: Any) -> None:
        self.disk = found


def _formats(
    package: _core.Package, descriptor: Mapping[str, Any]
) -> dict[str, Literal["qcow2", "raw"]]:
    """The format of each disk that is stored whole and is not a stream, by its file. Blocks."""
    disks = {disk["file_ref"] for disk in descriptor["disks"]}
    found = {}
    for file in descriptor["files"]:
        if file["id"] in disks and (format := other_format(package, file)):
            found[file["id"]] = format
    return found


def _say(wanted: Wanted, stream: str) -> None:
    logger().info(
        "%s is a %s disk: a streamOptimized VMDK of %d bytes was made of it, to be sent",
        *(escaped(wanted.name), wanted.converted_from, os.path.getsize(stream)),
        extra=extra(file=wanted.name),
    )


def _check_size(package: _core.Package, wanted: Wanted) -> None:
    said, size = wanted.file["size"], package.member_size(wanted.file["href"])
    if said and size != said:
        raise SizeMismatchError(
            f"{escaped(wanted.name)}: its descriptor says {said} bytes, and it has {size}; "
            "verify_size=False takes it"
        )
