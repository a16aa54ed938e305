"""What the manifest file of a package lists."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from nfclease import _core
from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, TypeAlias

    Package: TypeAlias = _core.Package | _core.Incoming


class Line(NamedTuple):
    """A line of a manifest file, without its name."""

    algorithm: str
    hex: str


def plain(name: str) -> str:
    """A name as the manifest file, the descriptor and the archive may each write it."""
    return "/".join(part for part in unquote(name).split("/") if part not in ("", "."))


class Listed:
    """The lines of a manifest file; none where the package has no such file.

    Args:
        package: The package; None for one whose manifest file cannot be read.

    Raises:
        PackageError: It cannot be read.
    """

    ALGORITHMS: ClassVar = ("sha1", "sha256", "sha512")

    def __init__(self, package: Package | None) -> None:
        self.name = (package and package.manifest_name) or ""
        #: By the plain names of the files.
        self.lines: dict[str, list[Line]] = {}
        #: What is odd about it.
        self.notes: list[str] = []
        if package is None:
            return
        if package.manifest is None:
            self.notes.append("it has no manifest file: no checksum could be compared")
            return
        found = _core.ManifestFile.parse(package.manifest, name=self.name)
        self.notes += [f"{escaped(self.name)}: {note}" for note in found.notes]
        for file, *line in found.entries:
            self.lines.setdefault(plain(file), []).append(Line(*line))

    def of(self, name: str) -> list[Line]:
        """The lines of a file: one, or one for each algorithm."""
        return self.lines.get(plain(name), [])

    def note_missing(self, name: str) -> None:
        """Notes that a file has no line, where others have one."""
        if self.lines:
            self.notes.append(f"{escaped(name)}: the manifest file has no line for it")
