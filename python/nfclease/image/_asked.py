"""What ``convert`` is asked for: the words are judged before anything is read."""

from __future__ import annotations

from nfclease._local.images import check_flag, check_word, image_format

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease import _core

FORMATS = ("raw", "qcow2", "vmdk")
VMDK_COMPRESSIONS = ("libdeflate", "zlib")
_MOST_THREADS = 64


def image_of(
    to: Any, source_format: Any, qcow2_compression: Any, vmdk_compression: Any, grains: Any
) -> _core.ImageFormat | None:
    """The image that is made; None where it is a streamOptimized disk.

    Raises:
        ValueError: A word is unknown, or two do not go together.
        TypeError: `grains` is not True or False.
    """
    check_word("to", to, FORMATS)
    if source_format is not None:
        check_word("source_format", source_format, FORMATS)
    check_word("vmdk_compression", vmdk_compression, VMDK_COMPRESSIONS)
    check_flag("grains", grains)
    if to == "vmdk":
        if qcow2_compression is not None:
            raise ValueError("qcow2_compression is for qcow2, not for vmdk")
        return None
    if qcow2_compression == "transplant" and source_format in ("raw", "qcow2"):
        raise ValueError(
            "qcow2_compression='transplant' moves the grains of a streamOptimized VMDK, and "
            f"the source is {source_format}"
        )
    if vmdk_compression != VMDK_COMPRESSIONS[0]:
        raise ValueError(f"vmdk_compression is for to='vmdk', not for {to!r}")
    return image_format("to", to, qcow2_compression, grains=grains)


def check_threads(threads: Any) -> None:
    """Refuses a number that no conversion has.

    Raises:
        TypeError: It is neither a number nor None.
        ValueError: It is out of range.
    """
    if threads is None:
        return
    if not isinstance(threads, int) or isinstance(threads, bool):
        raise TypeError(f"threads must be an int or None, not {type(threads).__name__}")
    if not 1 <= threads <= _MOST_THREADS:
        raise ValueError(f"threads must be 1 to {_MOST_THREADS}, not {threads}")
