"""What `verify` found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VerifiedDisk", "VerifiedFile", "VerifyResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedFile:
    """One file of a package that was read; of a file in chunks, one chunk.

    Attributes:
        name: As the descriptor or the manifest file calls it.
        size: Bytes as they are stored.
        checksum_type: ``sha1``, ``sha256`` or ``sha512`` as the manifest file has it; empty where
            it has no line for the file.
        checksum: The checksum of the bytes here, lower-case hex; empty without a line.
        verified: Whether it is the one in the manifest file.

    Examples:
        >>> nfclease.verify(package).files[1].checksum_type
        'sha256'
    """

    name: str
    size: int
    checksum_type: str = ""
    checksum: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedDisk:
    """A disk, every grain of which was looked at (``verify(grains=True)``).

    Attributes:
        name: As the descriptor calls its file.
        capacity: Bytes that the disk can hold; None where the file does not start as a disk.
        populated: Bytes of it that have a grain, up to the first flaw.
        grains: How many grains that are.
        directory_in_front: Whether its grain directory comes before the grains, as qemu-img and
            open-vmdk write it; VMware has it at the end.
        end_marker: Whether an end-of-stream marker was found.
        flaw: ``format``, ``cut`` or ``damaged``; empty where nothing is wrong.
        offset: Where in the file the first flaw is, in bytes; None without one.
        sectors: Which sectors of the disk it touches, of 512 bytes: the first, and the one behind
            the last. None where that cannot be said.
        reason: What is wrong, in words; empty where nothing is.

    Examples:
        >>> result = nfclease.verify(package, grains=True)
        >>> [(disk.name, disk.flaw, disk.grains) for disk in result.disks]
        [('disk.vmdk', '', ...)]
    """

    name: str
    capacity: int | None
    populated: int
    grains: int
    directory_in_front: bool = False
    end_marker: bool = True
    flaw: str = ""
    offset: int | None = None
    sectors: tuple[int, int] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What :func:`verify` found. It is true when nothing is wrong.

    Attributes:
        path: The package.
        files: A row for each file that is there: the descriptor first, then as it lists them.
        problems: What is wrong, a sentence each; empty when nothing is.
        notes: What is odd, or could not be compared.
        disks: A row for each disk whose grains were looked at, with ``grains=True``.

    Examples:
        >>> import io
        >>> result = nfclease.verify(io.BytesIO(package.read_bytes()[:9000]))
        >>> result.ok
        False
        >>> result.problems[0]
        "<file object>: 'disk.vmdk' has ... bytes of ...: the file is cut; fetch it again"
    """

    path: str
    files: tuple[VerifiedFile, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    disks: tuple[VerifiedDisk, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __bool__(self) -> bool:
        return self.ok

    def _repr_html_(self) -> str:
        from nfclease._display.html import columns, size

        def word(file: VerifiedFile) -> str:
            return "yes" if file.verified else "no line" if not file.checksum_type else "no"

        rows: list[tuple[object, ...]] = [
            (file.name, size(file.size), file.checksum_type, file.checksum, word(file))
            for file in self.files
        ]
        rows += [("problem", text, "", "", "") for text in self.problems]
        rows += [("note", text, "", "", "") for text in self.notes]
        title = f"{self.path}: {'whole' if self.ok else 'not whole'}"
        return columns(title, ("file", "size", "type", "checksum", "verified"), rows)
