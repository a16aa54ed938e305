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

TYPE_CHECKING = False
if TYPE_CHECKING:
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

#: Loaded by who uses it: a conversion needs a third of it.
_LATER = {
    "ConvertedImage": "results",
    "DiskExtent": "mapping",
    "DiskReader": "opening",
    "Normalised": "normalised",
    "NormalisedFile": "normalised",
    "convert": "converting",
    "convert_async": "converting",
    "map": "mapping",
    "normalise": "normalising",
    "normalise_async": "normalising",
    "open": "opening",
}


def __getattr__(name: str) -> object:
    import importlib

    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"nfclease.image.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
