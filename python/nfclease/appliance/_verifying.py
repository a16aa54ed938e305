"""The body of ``verify``, over either face."""

from __future__ import annotations

import os
from urllib.parse import unquote

from nfclease import _core
from nfclease.appliance._reading import Reading, read_all
from nfclease.appliance._source import opened
from nfclease.appliance.verify_result import VerifiedFile, VerifyResult
from nfclease.exceptions import NfcError, PackageError, UnsafePathError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    from nfclease.appliance._face import Face
    from nfclease.progress import ProgressOption

    #: A line of a manifest file: algorithm and hex.
    _Line: TypeAlias = tuple[str, str]


async def verified(
    face: Face,
    source: Any,
    strict: bool,
    progress: ProgressOption,
    max_concurrency: int | None,
) -> VerifyResult:
    """What ``verify`` returns."""
    from nfclease._display.option import checked

    limit = _limit(max_concurrency)
    progress = checked(progress)
    path = os.fspath(source) if isinstance(source, (str, os.PathLike)) else "<file object>"
    try:
        package = await opened(face, source)
    except (PackageError, UnsafePathError) as error:
        return VerifyResult(path=str(path), problems=(str(error),))
    check = _Check(package)
    await read_all(face, package, check.readings, limit, progress)
    files = tuple(check.judged())
    problems, notes = check.problems, check.notes
    if strict:
        problems, notes = problems + notes, []
    return VerifyResult(path=str(path), files=files, problems=tuple(problems), notes=tuple(notes))


def _limit(wanted: int | None) -> int:
    if wanted is None:
        return min(8, os.cpu_count() or 1)
    if wanted < 1:
        raise ValueError(f"max_concurrency must be at least 1, not {wanted}")
    return wanted


def _plain(name: str) -> str:
    """A name as the manifest file, the descriptor and the archive may each write it."""
    return "/".join(part for part in unquote(name).split("/") if part not in ("", "."))


class _Check:
    """What is to be read of a package, and what it means."""

    def __init__(self, package: _core.Package) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = list(package.notes)
        self._lines = self._lines_of(package)
        self._described = self._described_by(package)
        name = package.descriptor_name.rpartition("/")[2]
        first = Reading(name, sums=self._sums_of(name))
        self.readings = [first, *self._files_of(package), *self._only_listed(package, name)]
        if package.certificate:
            self.notes.append("its signature (.cert) was not checked")

    def _lines_of(self, package: _core.Package) -> dict[str, list[_Line]]:
        """The lines of the manifest file by the plain names of the files."""
        lines: dict[str, list[_Line]] = {}
        if package.manifest is None:
            self.notes.append("it has no manifest file: no checksum could be compared")
            return lines
        try:
            found = _core.ManifestFile.parse(package.manifest, name=package.manifest_name or "")
        except PackageError as error:
            self.problems.append(str(error))
            return lines
        self.notes += [f"{package.manifest_name}: {note}" for note in found.notes]
        for name, algorithm, hexadecimal in found.entries:
            lines.setdefault(_plain(name), []).append((algorithm, hexadecimal))
        return lines

    def _described_by(self, package: _core.Package) -> dict[str, Any]:
        try:
            found = _core.parse_descriptor(
                package.descriptor, name=package.descriptor_name, allow_outside=True
            )
        except NfcError as error:
            self.problems.append(str(error))
            return {"files": [], "disks": []}
        self.notes += [f"{package.descriptor_name}: {note}" for note in found["notes"]]
        return found

    def _sums_of(self, name: str) -> list[str]:
        return sorted({algorithm for algorithm, _ in self._lines.get(_plain(name), [])})

    def _files_of(self, package: _core.Package) -> Iterator[Reading]:
        """A reading for each file of the descriptor."""
        streams = {
            disk["file_ref"]
            for disk in self._described["disks"]
            if "streamoptimized" in (disk["format"] or "").lower()
        }
        for file in self._described["files"]:
            if file["path"] is None:
                self.problems.append(f"{file['href']}: its href leaves the package")
                continue
            chunked = file["chunk_size"] is not None
            everything = sorted({line[0] for lines in self._lines.values() for line in lines})
            yield Reading(
                file["href"],
                sums=everything if chunked else self._sums_of(file["href"]),
                size=file["size"],
                chunk_size=file["chunk_size"],
                gzip=file["compression"] == "gzip",
                is_disk=file["id"] in streams,
            )

    def _only_listed(self, package: _core.Package, descriptor: str) -> Iterator[Reading]:
        """A reading for each file that only the manifest file lists."""
        known = {_plain(descriptor)}
        chunked = []
        for file in self._described["files"]:
            known.add(_plain(file["href"]))
            if file["chunk_size"] is not None:
                chunked.append(f"{_plain(file['href'])}.")
        for name in self._lines:
            piece = name.startswith(tuple(chunked)) and name[-9:].isdigit()
            if name not in known and not piece:
                yield Reading(name, sums=self._sums_of(name))

    def judged(self) -> Iterator[VerifiedFile]:
        """The rows of the result; the problems and notes are complete after them."""
        each = [disk["capacity"] or 0 for disk in self._described["disks"]]
        capacities = {*each, sum(each)}
        for reading in self.readings:
            if reading.error is not None:
                self.problems.append(str(reading.error))
                continue
            if reading.flaw is not None:
                self.problems.append(f"{reading.name}: {reading.flaw}")
            total = sum(size for _, size, _ in reading.pieces)
            if reading.size not in (None, total):
                text = f"{reading.name}: has {total} bytes, the descriptor says {reading.size}"
                if reading.size in capacities or reading.is_capacity(total):
                    self.notes.append(f"{text}, which is what disks can hold")
                else:
                    self.problems.append(text)
            for name, size, sums in reading.pieces:
                yield self._row(name, size, dict(zip(reading.sums, sums, strict=True)))

    def _row(self, name: str, size: int, sums: dict[str, str]) -> VerifiedFile:
        lines = self._lines.get(_plain(name), [])
        if not lines:
            if self._lines:
                self.notes.append(f"{name}: the manifest file has no line for it")
            return VerifiedFile(name=name, size=size)
        wrong = [(kind, listed) for kind, listed in lines if sums[kind] != listed]
        for kind, listed in wrong:
            self.problems.append(
                f"{name}: its {kind} is {sums[kind]}, the manifest file says {listed}"
            )
        kind = wrong[0][0] if wrong else lines[0][0]
        return VerifiedFile(
            name=name,
            size=size,
            checksum_type=kind,
            checksum=sums[kind],
            verified=not wrong,
        )
