"""A package whose files are written anew: what is in it, and what its texts are then."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nfclease import _core
from nfclease._text import escaped
from nfclease.appliance._listed import Listed, plain
from nfclease.appliance._manifest import manifest_size
from nfclease.exceptions import ChecksumMismatchError, PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._listed import Line

#: Of a package that has no manifest file.
_USUAL = "sha256"


@dataclass
class FileOf:
    """A file of the package: what it is called, how long it should be, what its old sums are."""

    href: str
    name: str
    size: int | None
    is_stream: bool
    lines: list[Line]


class PackageOf:
    """What an open package says, and what it will say.

    Args:
        core: The package.

    Raises:
        PackageError: It is broken.
    """

    def __init__(self, core: _core.Package) -> None:
        self.core, self.descriptor = core, core.descriptor
        self.name = core.descriptor_name.rpartition("/")[2]
        self._said = _core.parse_descriptor(core.descriptor, name=self.name, allow_outside=True)
        self._listed = Listed(core)
        self.notes: list[str] = []
        every = [line.algorithm for lines in self._listed.lines.values() for line in lines]
        self.kind = every[0] if every else _USUAL

    @property
    def names(self) -> list[str]:
        """The names of descriptor and manifest file."""
        stem = self.name.rpartition(".")[0] or self.name
        return [self.name, f"{stem}.mf"]

    def files(self) -> list[FileOf]:
        """The files beside them; compares the descriptor with its own line.

        Raises:
            PackageError: One of them cannot be written anew.
            ChecksumMismatchError: The descriptor is not the one that is listed.
        """
        own = self._listed.of(self.name)
        sums = [
            hashlib.new(line.algorithm, self.descriptor, usedforsecurity=False).hexdigest()
            for line in own
        ]
        self.compare(FileOf(self.name, self.name, None, False, own), sums)
        streams = {
            disk["file_ref"]
            for disk in self._said["disks"]
            if "streamoptimized" in (disk["format"] or "").lower()
        }
        files = [self._file(file, file["id"] in streams) for file in self._said["files"]]
        known = {plain(file.href) for file in files} | set(self.names)
        for name in self._listed.lines:
            if name not in known:
                self._refuse_folder(name)
                files.append(FileOf(name, name, None, False, self._listed.of(name)))
                known.add(name)
        self._note(known)
        return files

    def _file(self, said: dict[str, Any], is_stream: bool) -> FileOf:
        href: str = said["href"]
        if said["path"] is None:
            raise PackageError(f"{escaped(href)}: its href leaves the package")
        if said["chunk_size"] is not None:
            raise PackageError(f"{escaped(href)} is in chunks, which cannot be written anew")
        if is_stream and said["compression"] == "gzip":
            raise PackageError(
                f"{escaped(href)} is compressed with gzip as a whole: gunzip it, and take "
                "ovf:compression out of the descriptor"
            )
        self._refuse_folder(said["path"])
        return FileOf(href, said["path"], said["size"], is_stream, self._listed.of(href))

    def _refuse_folder(self, name: str) -> None:
        if "/" in name:
            raise PackageError(f"{escaped(name)} is in a folder, which cannot be written anew")

    def _note(self, known: set[str]) -> None:
        before = self.core.descriptor_name.rpartition("/")[0]
        for name, _ in self.core.members:
            base = plain(name).removeprefix(f"{before}/") if before else plain(name)
            if base not in known and not base.lower().endswith((".cert", ".mf")):
                self.notes.append(f"{escaped(name)} is not of the package, and was left out")
        if self.core.certificate:
            self.notes.append(
                "the signature (.cert) was left out: it was of the manifest file as it was"
            )
        if self.core.manifest is None:
            self.notes.append(f"it had no manifest file; the new one has {self.kind} sums")

    def compare(self, file: FileOf, sums: list[str]) -> None:
        """Holds what was read to the old manifest file.

        Raises:
            ChecksumMismatchError: It is not what is listed there.
        """
        for line, actual in zip(file.lines, sums, strict=True):
            if line.hex != actual:
                error = ChecksumMismatchError(
                    f"{escaped(file.name)}: its {line.algorithm} is {actual}, the manifest file "
                    f"says {line.hex}; nothing was made of the package"
                )
                error.expected, error.actual = line.hex, actual
                error.checksum_type = line.algorithm
                raise error

    def with_sizes(self, sizes: list[int]) -> bytes:
        """The descriptor with the sizes that the files have now.

        Raises:
            PackageError: It cannot be changed where they stand.
        """
        mine: list[int | None] = [*sizes[: len(self._said["files"])]]
        return _core.with_sizes(self.descriptor, self.name, mine)

    def manifest_size(self, names: list[str]) -> int:
        """Bytes of the manifest file, before any sum is known."""
        return manifest_size([self.name, *names], self.kind)

    def manifest(self, descriptor: bytes, sums: list[tuple[str, str]]) -> bytes:
        """The new manifest file."""
        own = hashlib.new(self.kind, descriptor, usedforsecurity=False).hexdigest()
        lines = [(self.name, own), *sums]
        return _core.ManifestFile.build([(name, self.kind, digest) for name, digest in lines])
