"""The manifest file of a package, ``.mf``: which file has which digest."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, TypeAlias

    Algorithm: TypeAlias = Literal["sha1", "sha256", "sha512"]

__all__ = ["ManifestEntry", "ManifestFile"]


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One line of a manifest file.

    Attributes:
        name: The file, as the line writes it, without a leading ``./``.
        checksum_type: ``sha1``, ``sha256`` or ``sha512``.
        checksum: The digest, lower-case hex.

    Examples:
        >>> ManifestFile.parse(b"SHA1(demo.ovf)= " + b"00" * 20).entries[0].name
        'demo.ovf'
    """

    name: str
    checksum_type: Algorithm
    checksum: str


@dataclass(frozen=True, slots=True)
class ManifestFile:
    r"""The ``.mf`` file of a package (DSP0243 2.1.1, lines 405-421).

    Attributes:
        entries: Its lines, in order; each file and algorithm once.
        notes: What is odd about it: lines that say nothing, algorithms that nobody knows, forms
            that vSphere refuses.

    Examples:
        >>> manifest = ManifestFile.build([ManifestEntry("demo.ovf", "sha1", "00" * 20)])
        >>> manifest
        b'SHA1(demo.ovf)= 0000000000000000000000000000000000000000\n'
        >>> ManifestFile.parse(manifest).of("demo.ovf")[0].checksum_type
        'sha1'
    """

    entries: tuple[ManifestEntry, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: bytes, *, name: str = "the manifest file") -> ManifestFile:
        """Reads one, in every form that people write.

        Args:
            data: Its bytes, at most 1 MiB.
            name: What messages call it.

        Raises:
            PackageError: It is not text, a line has a digest of the wrong length, or a file has two
                different ones of one algorithm.
            LimitExceededError: It is longer than 1 MiB.
        """
        read = _core.ManifestFile.parse(data, name=name)
        entries = (ManifestEntry(*entry) for entry in read.entries)
        return cls(tuple(entries), tuple(read.notes))

    @staticmethod
    def build(entries: Iterable[ManifestEntry]) -> bytes:
        """The bytes of one with these lines, exactly as vSphere wants them.

        Raises:
            ValueError: A name cannot be printed, an algorithm is unknown, or a digest is not one.
        """
        lines = [(entry.name, entry.checksum_type, entry.checksum) for entry in entries]
        return _core.ManifestFile.build(lines)

    def of(self, *names: str) -> list[ManifestEntry]:
        """The lines of a file, by any of its names."""
        return [entry for entry in self.entries if entry.name in names]
