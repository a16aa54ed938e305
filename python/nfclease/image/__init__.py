"""Disks as files: what an export wrote becomes what another system reads.

Examples:
    >>> from nfclease import image
    >>> image.convert("disk.vmdk", "disk.raw").format
    'raw'
"""

from __future__ import annotations

from nfclease.image.converting import convert, convert_async
from nfclease.image.results import ConvertedImage

__all__ = ["ConvertedImage", "convert", "convert_async"]
