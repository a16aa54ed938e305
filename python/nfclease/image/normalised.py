"""What ``normalise`` made."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Normalised", "NormalisedFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedFile:
    """A file that was written anew.

    Attributes:
        name: As the descriptor calls it; of a disk by itself its file name.
        disk: Whether it is a disk that was rewritten; other files are copied.
        old_size: Bytes that it had before.
        size: Bytes that it has now.
        capacity: Bytes that the disk can hold; None for another file.
        populated: Bytes of the disk that have a grain; None for another file.

    Examples:
        >>> from nfclease import image
        >>> image.normalise("disk.vmdk", "again.vmdk").files[0].populated
        65536
    """

    name: str
    disk: bool
    old_size: int
    size: int
    capacity: int | None = None
    populated: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """What :func:`normalise` made.

    Attributes:
        path: Where it is.
        files: The disk; or the files of the package beside descriptor and manifest file, in order.
        notes: What else is different in the package, or was left out.

    Examples:
        >>> from nfclease import image
        >>> made = image.normalise(package, "again.ova")
        >>> [(file.name, file.disk) for file in made.files]
        [('disk.vmdk', True)]
    """

    path: str
    files: tuple[NormalisedFile, ...]
    notes: tuple[str, ...] = ()
