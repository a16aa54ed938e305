"""What a package's manifest file says of its files."""

from __future__ import annotations

import hashlib

from nfclease._text import escaped
from nfclease.appliance._listed import Listed, plain
from nfclease.exceptions import ChecksumMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nfclease import _core
    from nfclease.appliance._face import Face
    from nfclease.appliance._listed import Line, Package


class Sums(Listed):
    """The lines of the manifest file of a package, each of which proves a file.

    Args:
        package: The package.
        server: The digest that the server has of each file, and an upload computes for that; SHA-1
            when None.

    Raises:
        PackageError: The manifest file cannot be read.
    """

    def __init__(self, package: Package, server: str | None = None) -> None:
        super().__init__(package)
        self._server = (server or "sha1").lower()

    def chosen(self, name: str) -> Line | None:
        """The line of a file whose digest an upload computes beside the server's: the strongest."""
        return max(
            self.of(name),
            key=lambda line: (line.algorithm != self._server, _strength(line.algorithm)),
            default=None,
        )

    def in_passing(self, name: str) -> set[str]:
        """The digests of a file that its upload computes."""
        line = self.chosen(name)
        return {self._server} if line is None else {self._server, line.algorithm}

    def proving(self, name: str, known: Collection[str | None] = Listed.ALGORITHMS) -> str | None:
        """The strongest of these digests that a file has a line for.

        A note says that it has no line, where others have one, and which lines prove nothing.
        """
        lines = self.of(name)
        if not lines:
            self.note_missing(name)
        self.notes += [
            f"{escaped(name)}: the manifest file lists its {line.algorithm}, which was not computed"
            for line in lines
            if line.algorithm not in known
        ]
        found = [line.algorithm for line in lines if line.algorithm in known]
        return max(found, key=_strength, default=None)

    def beside(self, names: Iterable[str]) -> list[str]:
        """The files that have lines, without these."""
        known = {plain(name) for name in names}
        return [name for name in self.lines if name not in known]

    def note_gone(self, name: str) -> None:
        """Notes that a file has a line, and is not there."""
        self.notes.append(f"{escaped(name)}: the manifest file lists it, and it is missing")

    def check_descriptor(self, package: Package) -> None:
        """Compares the descriptor with its lines.

        Raises:
            ChecksumMismatchError: It was changed after the manifest file was written.
        """
        name = package.descriptor_name.rpartition("/")[2]
        if not self.of(name):
            self.note_missing(name)
        for algorithm, _ in self.of(name):
            digest = hashlib.new(algorithm, package.descriptor, usedforsecurity=False)
            self.check(name, {algorithm: digest.hexdigest()})

    def check(self, name: str, known: Mapping[str | None, str | None]) -> None:
        """Compares the digests of a file with its lines, each that is about one of them.

        Raises:
            ChecksumMismatchError: It is another file.
        """
        for algorithm, expected in self.of(name):
            actual = known.get(algorithm)
            if actual is None or actual == expected:
                continue
            error = ChecksumMismatchError(
                f"{escaped(name)}: its {algorithm} is {actual}, and the manifest file "
                f"{escaped(self.name)} says {expected}: it is not the file that was packed; "
                "get the package again"
            )
            error.expected, error.actual, error.checksum_type = expected, actual, algorithm
            error.retryable, error.remedy, error.file = False, "fix_input", name
            raise error


def _strength(algorithm: str) -> int:
    return Listed.ALGORITHMS.index(algorithm)


async def check_stored(
    face: Face, package: _core.Package, sums: Sums, names: Sequence[str]
) -> None:
    """Reads files that are stored otherwise than they are sent, and compares what is stored."""
    for name in names:
        for algorithm, _ in sums.of(name):
            work = package.digest(name, algorithm)
            sums.check(name, {algorithm: await face.backend.for_work(work)})
