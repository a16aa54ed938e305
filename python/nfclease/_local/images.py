"""What becomes of a disk, as callers say it: the words are judged here for all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from nfclease import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
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


class Wanted:
    """What a download becomes: nothing of it, and it is the stream.

    Args:
        image: What the target becomes; None for the stream.
        block_device: Whether the target is a block device.
        also: Other targets, and what goes there.
    """

    __slots__ = ("also", "block_device", "image", "needs_a_path", "other_paths")

    def __init__(
        self,
        image: _core.ImageFormat | None = None,
        block_device: bool = False,
        also: tuple[tuple[str, _core.ImageFormat | None], ...] = (),
    ) -> None:
        self.image, self.block_device, self.also = image, block_device, also
        self.other_paths = [path for path, _ in also]
        #: Whether a file object will not do.
        self.needs_a_path = bool(image or block_device or also)


def wanted(
    *, format: Any, qcow2_compression: Any, block_device: Any, also: Mapping[Any, Any] | None
) -> Wanted:
    """The same by the keywords of ``download``.

    Raises:
        ValueError: As of :func:`image_format`; or a block device gets something other than raw.
        TypeError: A keyword is of the wrong kind.
    """
    if also is not None and not isinstance(also, Mapping):
        raise TypeError(f"also must be a dict of paths and formats, not {type(also).__name__}")
    others = {os.fspath(path): name for path, name in (also or {}).items()}
    if qcow2_compression is not None and "qcow2" not in (format, *others.values()):
        raise ValueError("qcow2_compression is for qcow2, which neither format nor also says")
    check_block_device(block_device, format)

    def image(argument: str, name: Any) -> _core.ImageFormat | None:
        if name is None:
            return None
        compression = qcow2_compression if name == "qcow2" else None
        return image_format(argument, name, compression)

    places = tuple((path, image("a format in also", name)) for path, name in others.items())
    return Wanted(image("format", format), block_device, places)


def check_flag(argument: str, value: Any) -> None:
    """Refuses what is not True or False; `argument` is what the caller knows it by.

    Raises:
        TypeError: It is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{argument} must be True or False, not {type(value).__name__}")


def check_word(argument: str, value: Any, words: tuple[str, ...]) -> None:
    """Refuses what is not one of these words.

    Raises:
        ValueError: It is not one.
    """
    if value not in words:
        raise ValueError(f"{argument} must be one of {', '.join(words)}, not {value!r}")


def check_block_device(block_device: Any, format: Any) -> None:
    """Refuses what cannot be written to one.

    Raises:
        TypeError: It is not True or False.
        ValueError: The format is not raw.
    """
    check_flag("block_device", block_device)
    if block_device and format != "raw":
        raise ValueError(f"a block device gets a raw image, not {format!r}")


def image_format(
    argument: str, name: Any, qcow2_compression: Any, *, grains: Any = False
) -> _core.ImageFormat:
    """The core's own; `argument` is what the caller knows the name by.

    Raises:
        ValueError: A word is unknown, or a compression is given for what has none.
        TypeError: `grains` is not True or False.
    """
    check_word(argument, name, FORMATS)
    if qcow2_compression is not None:
        check_word("qcow2_compression", qcow2_compression, QCOW2_COMPRESSIONS)
        if name != "qcow2":
            raise ValueError(f"qcow2_compression is for qcow2, not for {name}")
    check_flag("grains", grains)
    return _core.ImageFormat(name, qcow2_compression=qcow2_compression, grains=grains)
