"""What was made of a disk."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ConvertedImage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedImage:
    """An image that was made.

    Attributes:
        path: Where it is.
        format: ``raw``, ``qcow2`` or ``vmdk``.
        capacity: Bytes that the disk can hold, which is how long a raw image is.
        populated: Bytes of it that are stored: in the source's grains, or in those of a ``vmdk``
            that was made.

    Examples:
        >>> from nfclease import image
        >>> image.convert("disk.vmdk", "disk.raw").capacity
        1048576
    """

    path: str
    format: str
    capacity: int
    populated: int
