"""The body of ``verify``, over either face."""

from __future__ import annotations

import hashlib
import os
from functools import partial

from nfclease import _core
from nfclease._arguments import check_options
from nfclease._local.ends import local_path
from nfclease._text import escaped
from nfclease.appliance._address import is_address
from nfclease.appliance._listed import Listed, plain
from nfclease.appliance._opened import opened
from nfclease.appliance._reading import Reading, read_all
from nfclease.appliance._verified_disk import disk_notes, disk_of, is_disk, verified_disk
from nfclease.appliance.verify_result import VerifiedDisk, VerifiedFile, VerifyResult
from nfclease.exceptions import (
    LimitExceededError,
    NfcError,
    PackageError,
    TruncatedError,
    UnsafePathError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from nfclease.appliance._face import Face
    from nfclease.appliance._listed import Package
    from nfclease.progress import ProgressOption

#: What is wrong with a package, and not with the way to it.
_BROKEN = (LimitExceededError, PackageError, TruncatedError, UnsafePathError)


async def verified(
    face: Face,
    source: Any,
    strict: bool,
    progress: ProgressOption,
    max_concurrency: int | None,
    ca_file: str | os.PathLike[str] | None,
    ssl_thumbprint: str | None,
    grains: bool,
) -> VerifyResult:
    """What ``verify`` returns."""
    from nfclease._display.option import checked

    limit = _limit(max_concurrency)
    progress = checked(progress)
    is_path = isinstance(source, (str, os.PathLike)) and not is_address(source)
    name = os.fspath(source) if is_path else ""
    if is_path and await face.in_thread(partial(is_disk, os.fspath(local_path(source)))):
        return await verified_disk(face, name, progress, grains)
    check: _Check | None = None
    try:
        opening = opened(face, source, ca_file=ca_file, ssl_thumbprint=ssl_thumbprint)
        async with opening as package:
            name = name or package.name
            check = _Check(package, grains)
            limit = 1 if package.in_order else limit
            await read_all(face, package, check.readings, limit, progress)
            if isinstance(package, _core.Incoming):
                await face.in_thread(package.finish)
            check.judge(package)
    except _BROKEN as error:
        if check is None:
            return VerifyResult(path=str(name), problems=(str(error),))
        check.problems.append(str(error))
    problems, notes = list(dict.fromkeys(check.problems)), check.notes
    if strict:
        problems, notes = problems + notes, []
    return VerifyResult(
        path=str(name),
        files=tuple(check.files),
        problems=tuple(problems),
        notes=tuple(notes),
        disks=tuple(check.disks),
    )


def _limit(wanted: int | None) -> int:
    if wanted is None:
        return min(8, os.cpu_count() or 1)
    check_options({"max_concurrency": wanted})
    return wanted


class _Check:
    """What is to be read of a package, and what it means."""

    def __init__(self, package: Package, grains: bool) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.files: list[VerifiedFile] = []
        self.disks: list[VerifiedDisk] = []
        self._check = "grains" if grains else "ends"
        #: What the descriptor says that the disk in a file can hold.
        self._capacities: dict[str, int | None] = {}
        #: None while a stream may still bring the manifest file.
        self._listed: Listed | None = None
        if package.manifest or not package.in_order:
            self._listed = self._listed_by(package)
        self._described = self._described_by(package)
        self.readings = list(self._files_of())
        if not package.in_order:
            self.readings += self._only_listed(package)

    def _listed_by(self, package: Package) -> Listed:
        try:
            return Listed(package)
        except PackageError as error:
            self.problems.append(str(error))
            return Listed(None)

    def _described_by(self, package: Package) -> dict[str, Any]:
        name = package.descriptor_name
        try:
            found = _core.parse_descriptor(package.descriptor, name=name, allow_outside=True)
        except NfcError as error:
            self.problems.append(str(error))
            return {"files": [], "disks": []}
        self.notes += [f"{escaped(name)}: {note}" for note in found["notes"]]
        return found

    def _sums_of(self, name: str) -> list[str]:
        if self._listed is None:
            return list(Listed.ALGORITHMS)
        every = self._listed.lines.values()
        lines = [self._listed.of(name)] if name else every
        return sorted({line.algorithm for each in lines for line in each})

    def _files_of(self) -> Iterator[Reading]:
        """A reading for each file of the descriptor."""
        hrefs = {file["id"]: file["href"] for file in self._described["files"]}
        for disk in self._described["disks"]:
            if disk["file_ref"] in hrefs:
                self._capacities[hrefs[disk["file_ref"]]] = disk["capacity"]
        streams = {
            disk["file_ref"]
            for disk in self._described["disks"]
            if "streamoptimized" in (disk["format"] or "").lower()
        }
        for file in self._described["files"]:
            if file["path"] is None:
                self.problems.append(f"{escaped(file['href'])}: its href leaves the package")
                continue
            chunked = file["chunk_size"] is not None
            yield Reading(
                file["href"],
                sums=self._sums_of("" if chunked else file["href"]),
                size=file["size"],
                chunk_size=file["chunk_size"],
                gzip=file["compression"] == "gzip",
                disk=self._check if file["id"] in streams else "none",
            )

    def _only_listed(self, package: Package) -> Iterator[Reading]:
        """A reading for each file that only the manifest file lists."""
        known, chunked = {_base(package)}, []
        for file in self._described["files"]:
            known.add(plain(file["href"]))
            if file["chunk_size"] is not None:
                chunked.append(f"{plain(file['href'])}.")
        for name in () if self._listed is None else self._listed.lines:
            is_piece = name.startswith(tuple(chunked)) and name[-9:].isdigit()
            if name not in known and not is_piece:
                yield Reading(name, sums=self._sums_of(name))

    def judge(self, package: Package) -> None:
        """Makes the rows, the problems and the notes, after all was read."""
        listed = self._listed = self._listed or self._listed_by(package)
        sums = {
            kind: hashlib.new(kind, package.descriptor, usedforsecurity=False).hexdigest()
            for kind in Listed.ALGORITHMS
        }
        self._row(listed, _base(package), len(package.descriptor), sums)
        each = [disk["capacity"] or 0 for disk in self._described["disks"]]
        for reading in self.readings:
            self._judge(listed, reading, {*each, sum(each)})
        if package.in_order:
            read = {plain(file.name) for file in self.files}
            self.problems += [
                f"{escaped(name)}: only the manifest file lists it, and a stream is read once"
                for name in listed.lines
                if name not in read
            ]
        self.notes = [*package.notes, *self.notes, *listed.notes]
        if package.certificate:
            self.notes.append("its signature (.cert) was not checked")

    def _judge(self, listed: Listed, reading: Reading, capacities: set[int]) -> None:
        if reading.error is not None:
            self.problems.append(str(reading.error))
            return
        name = escaped(reading.name)
        if reading.flaw is not None:
            self.problems.append(f"{name}: {reading.flaw}")
        if reading.disk is not None:
            self._judge_disk(reading.name, reading.disk)
        total = sum(size for _, size, _ in reading.pieces)
        if reading.size not in (None, total):
            text = f"{name}: has {total} bytes, the descriptor says {reading.size}"
            if reading.size in capacities or reading.is_capacity(total):
                self.notes.append(f"{text}, which is what disks can hold")
            else:
                self.problems.append(text)
        for piece, size, sums in reading.pieces:
            self._row(listed, piece, size, dict(zip(reading.sums, sums, strict=True)))

    def _judge_disk(self, name: str, found: dict[str, Any]) -> None:
        disk = disk_of(name, found)
        self.disks.append(disk)
        self.notes += disk_notes(disk)
        said = self._capacities.get(name)
        if disk.capacity is not None and said not in (None, disk.capacity):
            self.problems.append(
                f"{escaped(name)}: the disk can hold {disk.capacity} bytes, "
                f"the descriptor says {said}"
            )

    def _row(self, listed: Listed, name: str, size: int, sums: dict[str, str]) -> None:
        lines = listed.of(name)
        if not lines:
            listed.note_missing(name)
            self.files.append(VerifiedFile(name=name, size=size))
            return
        wrong = [(kind, expected) for kind, expected in lines if sums[kind] != expected]
        for kind, expected in wrong:
            self.problems.append(
                f"{escaped(name)}: its {kind} is {sums[kind]}, the manifest file says {expected}"
            )
        kind = wrong[0][0] if wrong else lines[0][0]
        self.files.append(
            VerifiedFile(
                name=name,
                size=size,
                checksum_type=kind,
                checksum=sums[kind],
                verified=not wrong,
            )
        )


def _base(package: Package) -> str:
    """The descriptor's name, as the manifest file has it."""
    return package.descriptor_name.rpartition("/")[2]
