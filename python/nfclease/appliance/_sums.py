"""What a package's manifest file says of its files."""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from urllib.parse import unquote

from nfclease import _core
from nfclease._text import escaped
from nfclease.exceptions import ChecksumMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from nfclease.appliance._face import Face

    Package: TypeAlias = _core.Package | _core.Incoming


class Line(NamedTuple):
    """A line of a manifest file, without its name."""

    algorithm: str
    hex: str


class Sums:
    """The lines of the manifest file of a package; none where it has no such file."""

    def __init__(self, package: Package) -> None:
        self.name = package.manifest_name or ""
        self._lines: dict[str, Line] = {}
        #: What is odd about the file, and lines that are missing.
        self.notes: list[str] = []
        if package.manifest is None:
            self.notes.append("it has no manifest file: no checksum could be compared")
            return
        read = _core.ManifestFile.parse(package.manifest, name=self.name)
        self._lines = {_plain(name): Line(*line) for name, *line in read.entries}
        self.notes += [f"{self.name}: {note}" for note in read.notes]
        if not self._lines:
            self.notes.append("its manifest file has no line: no checksum could be compared")

    def of(self, name: str) -> Line | None:
        """The line of a file."""
        return self._lines.get(_plain(name))

    def line_or_note(self, name: str) -> Line | None:
        """The same; a note says that it is missing, where others are not."""
        line = self.of(name)
        if line is None and self._lines:
            self.notes.append(f"{escaped(name)}: the manifest file has no line for it")
        return line

    def check_descriptor(self, package: Package) -> None:
        """Compares the descriptor with its line.

        Raises:
            ChecksumMismatchError: It was changed after the manifest file was written.
        """
        name = package.descriptor_name.rpartition("/")[2]
        line = self.line_or_note(name)
        if line is None:
            return
        digest = hashlib.new(line.algorithm, package.descriptor, usedforsecurity=False)
        self.check(name, digest.hexdigest())

    def check(self, name: str, actual: str) -> None:
        """Compares a file's digest with its line, if it has one.

        Raises:
            ChecksumMismatchError: It is another file.
        """
        line = self.of(name)
        if line is None or actual == line.hex:
            return
        algorithm, expected = line
        error = ChecksumMismatchError(
            f"{escaped(name)}: its {algorithm} is {actual}, and the manifest file "
            f"{escaped(self.name)} says {expected}: it is not the file that was packed; "
            "get the package again"
        )
        error.expected, error.actual, error.checksum_type = expected, actual, algorithm
        error.retryable, error.remedy, error.file = False, "fix_input", name
        raise error


async def check_stored(
    face: Face, package: _core.Package, sums: Sums, names: Sequence[str]
) -> None:
    """Reads files that are stored otherwise than they are sent, and compares what is stored."""
    for name in names:
        line = sums.of(name)
        if line is not None:
            work = package.digest(name, line.algorithm)
            sums.check(name, await face.backend.for_work(work))


def _plain(name: str) -> str:
    """A name as the manifest file, the descriptor and the archive may each write it."""
    return "/".join(part for part in unquote(name).split("/") if part not in ("", "."))
