"""What a package's manifest file says of its files."""

from __future__ import annotations

import hashlib

from nfclease import _core
from nfclease._text import escaped
from nfclease.exceptions import ChecksumMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    class Sum(NamedTuple):
        """A line."""

        algorithm: str
        hex: str


class Sums:
    """The lines of the manifest file of a package; none where it has no such file."""

    def __init__(self, package: _core.Package) -> None:
        self.name = package.manifest_name or ""
        self._lines: dict[str, tuple[str, str]] = {}
        #: What is odd about the file, and lines that are missing.
        self.notes: list[str] = []
        if package.manifest is None:
            self.notes.append(
                "no manifest file: nothing in the package says what its files must be"
            )
            return
        read = _core.ManifestFile.parse(package.manifest, name=self.name)
        self._lines = {_plain(name): (algorithm, hex) for name, algorithm, hex in read.entries}
        self.notes += read.notes

    def __bool__(self) -> bool:
        return bool(self._lines)

    def of(self, *names: str) -> tuple[str, str] | None:
        """Algorithm and hex of a file by the first of its names that has a line."""
        found = (self._lines.get(_plain(name)) for name in names)
        return next(filter(None, found), None)

    def note_missing(self, name: str) -> None:
        """Says that a file is not proved; where no file is, that was said."""
        if self:
            self.notes.append(f"{escaped(name)} has no line in the manifest file {self.name}")

    def check_descriptor(self, package: _core.Package) -> None:
        """Compares the descriptor with its line.

        Raises:
            ChecksumMismatchError: It was changed after the manifest file was written.
        """
        name = package.descriptor_name
        line = self.of(name, name.rpartition("/")[2])
        if line is None:
            self.note_missing(name)
            return
        actual = hashlib.new(line[0], package.descriptor, usedforsecurity=False).hexdigest()
        check(name, line, actual, self.name)


def check(name: str, line: tuple[str, str], actual: str, manifest: str) -> None:
    """Compares a file's digest with its line."""
    algorithm, expected = line
    if actual == expected:
        return
    error = ChecksumMismatchError(
        f"{escaped(name)}: its {algorithm} is {actual}, and the manifest file {escaped(manifest)} "
        f"says {expected}: it is not the file that was packed; get the package again"
    )
    error.expected, error.actual, error.checksum_type = expected, actual, algorithm
    error.retryable, error.remedy, error.file = False, "fix_input", name
    raise error


def _plain(name: str) -> str:
    return name.removeprefix("./")
