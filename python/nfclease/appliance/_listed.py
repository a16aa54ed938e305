"""What the manifest file of a package lists."""

from __future__ import annotations

from urllib.parse import unquote

from nfclease import _core
from nfclease._text import escaped
from nfclease.exceptions import PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


def plain(name: str) -> str:
    """A name as the manifest file, the descriptor and the archive may each write it."""
    return "/".join(part for part in unquote(name).split("/") if part not in ("", "."))


class Listed:
    """The lines of a manifest file, and what is wrong or odd about it."""

    KINDS: ClassVar = ("sha1", "sha256", "sha512")

    def __init__(self, package: _core.Package | _core.Incoming) -> None:
        #: Algorithm and hex of each line, by the plain names of the files.
        self.lines: dict[str, list[tuple[str, str]]] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []
        if package.manifest is None:
            self.notes.append("it has no manifest file: no checksum could be compared")
            return
        name = package.manifest_name or ""
        try:
            found = _core.ManifestFile.parse(package.manifest, name=name)
        except PackageError as error:
            self.problems.append(str(error))
            return
        self.notes += [f"{escaped(name)}: {note}" for note in found.notes]
        for file, kind, expected in found.entries:
            self.lines.setdefault(plain(file), []).append((kind, expected))

    def kinds(self, name: str) -> list[str]:
        """The algorithms of a file's lines; of all lines without a name."""
        lines = [self.lines.get(plain(name), [])] if name else self.lines.values()
        return sorted({kind for each in lines for kind, _ in each})
