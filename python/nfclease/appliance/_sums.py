"""What a package's manifest file says of its files."""

from __future__ import annotations

import hashlib

from nfclease._text import escaped
from nfclease.appliance._listed import Listed, plain
from nfclease.exceptions import ChecksumMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nfclease import _core
    from nfclease.appliance._face import Face
    from nfclease.appliance._listed import Line, Package


class Sums(Listed):
    """The lines of the manifest file of a package, each of which proves a file."""

    def first(self, name: str) -> Line | None:
        """The line of a file."""
        return next(iter(self.of(name)), None)

    def line_or_note(self, name: str) -> Line | None:
        """The same; a note says that it is missing, where others are not."""
        line = self.first(name)
        if line is None:
            self.note_missing(name)
        return line

    def beside(self, names: Iterable[str]) -> list[str]:
        """The files that have lines, without these."""
        known = {plain(name) for name in names}
        return [name for name in self.lines if name not in known]

    def note_gone(self, name: str) -> None:
        """Notes that a file has a line, and is not there."""
        self.notes.append(f"{escaped(name)}: the manifest file lists it, and it is missing")

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
        line = self.first(name)
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
        line = sums.first(name)
        if line is not None:
            work = package.digest(name, line.algorithm)
            sums.check(name, await face.backend.for_work(work))
