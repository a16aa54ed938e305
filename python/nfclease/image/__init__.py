"""Disks as files: what an export wrote becomes what another system reads.

Examples:
    >>> from nfclease import image
    >>> image.convert("disk.vmdk", "disk.raw").format
    'raw'
    >>> with image.open("disk.vmdk") as disk:
    ...     disk.read(6)
    b'a boot'
"""

from __future__ import annotations

from nfclease.image.converting import convert, convert_async
from nfclease.image.mapping import DiskExtent, map  # noqa: A004
from nfclease.image.normalised import Normalised, NormalisedFile
from nfclease.image.normalising import normalise, normalise_async
from nfclease.image.opening import DiskReader, open  # noqa: A004
from nfclease.image.results import ConvertedImage

__all__ = [
    "ConvertedImage",
    "DiskExtent",
    "DiskReader",
    "Normalised",
    "NormalisedFile",
    "convert",
    "convert_async",
    "map",
    "normalise",
    "normalise_async",
    "open",
]
