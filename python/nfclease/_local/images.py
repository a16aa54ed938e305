"""What becomes of a disk, as callers say it: the words are judged here for all of them."""

from __future__ import annotations

import os

from nfclease import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FORMATS = ("raw", "qcow2")
QCOW2_COMPRESSIONS = ("none", "deflate", "transplant")
_SUFFIXES = {".raw": "raw", ".img": "raw", ".qcow2": "qcow2", ".vmdk": "vmdk"}


def format_of(path: str | os.PathLike[str]) -> str:
    """What the name of an image says that it is.

    Raises:
        ValueError: It says nothing.
    """
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise ValueError(
            f"{os.fspath(path)!r} ends in none of {known}: say with to= what it shall be"
        )
    return _SUFFIXES[suffix]


def downloaded_format(options: Mapping[str, Any] | None) -> _core.ImageFormat | None:
    """What a download becomes by its keywords; None for the stream itself.

    Raises:
        ValueError: As of :func:`image_format`.
    """
    name, compression = (options or {}).get("format"), (options or {}).get("qcow2_compression")
    if name is None and compression is None:
        return None
    return image_format("format", name, compression)


def image_format(
    argument: str, name: Any, qcow2_compression: Any, *, grains: Any = False
) -> _core.ImageFormat:
    """The core's own; `argument` is what the caller knows the name by.

    Raises:
        ValueError: A word is unknown, or a compression is given for what has none.
        TypeError: `grains` is not True or False.
    """
    if name not in FORMATS:
        raise ValueError(f"{argument} must be {_listed(FORMATS)}, not {name!r}")
    if qcow2_compression not in (None, *QCOW2_COMPRESSIONS):
        known = _listed(QCOW2_COMPRESSIONS)
        raise ValueError(f"qcow2_compression must be {known}, not {qcow2_compression!r}")
    if qcow2_compression is not None and name != "qcow2":
        raise ValueError(f"qcow2_compression is for qcow2, not for {name}")
    if not isinstance(grains, bool):
        raise TypeError(f"grains must be True or False, not {type(grains).__name__}")
    return _core.ImageFormat(name, qcow2_compression=qcow2_compression, grains=grains)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(map(repr, words[:-1])) + f" or {words[-1]!r}"
