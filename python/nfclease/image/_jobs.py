"""The bodies of what ``nfclease.image`` does, over either face."""

from __future__ import annotations

import os

from nfclease import _core
from nfclease._local.ends import local_path
from nfclease._local.images import check_block_device, format_of, image_format
from nfclease.appliance._reading import Reading, read_all
from nfclease.image._encoding import Encoded, Encoding
from nfclease.image.results import ConvertedImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._face import Face
    from nfclease.progress import ProgressOption

TARGETS = ("raw", "qcow2", "vmdk")
_MOST_THREADS = 64


class _Conversion(Reading):
    """A disk that is read to its end while an image is made of it."""

    def __init__(
        self, source: str, target: str, how: Encoded, image: _core.ImageFormat, **options: Any
    ) -> None:
        super().__init__(source, sums=[])
        self._target, self._image = target, image
        self._options = {"format": how.source_format, **options}

    def _begin(self, package: None) -> _core.Reading:
        return _core.Reading.of_conversion(self.name, self._target, self._image, **self._options)

    def _keep(self, found: Any) -> None:
        self.disk = found


def _image(
    to: str, how: Encoded, qcow2_compression: str | None, grains: bool
) -> _core.ImageFormat | None:
    """The image that is made; None where it is a streamOptimized disk."""
    if to not in TARGETS:
        raise ValueError(f"to must be one of {', '.join(TARGETS)}, not {to!r}")
    how.check_target(to)
    if to != "vmdk":
        if qcow2_compression == "transplant" and how.source_format in ("raw", "qcow2"):
            raise ValueError(
                "qcow2_compression='transplant' moves the grains of a streamOptimized VMDK, and "
                f"the source is {how.source_format}"
            )
        return image_format("to", to, qcow2_compression, grains=grains)
    if qcow2_compression is not None:
        raise ValueError("qcow2_compression is for qcow2, not for vmdk")
    return None


def _check_two(source: str, device: str) -> None:
    """Refuses a device that would be read while it is written. Blocks."""
    if os.path.exists(device) and os.path.samefile(source, device):
        raise ValueError(f"{device} cannot become an image of itself")


async def converted(
    face: Face,
    source: Any,
    target: Any,
    to: str | None,
    source_format: str | None,
    qcow2_compression: str | None,
    vmdk_compression: str,
    grains: bool,
    block_device: bool,
    overwrite: bool,
    threads: int | None,
    progress: ProgressOption,
) -> ConvertedImage:
    """What ``convert`` returns."""
    from nfclease._display.option import checked

    path = os.fspath(local_path(target))
    if to is None:
        to = "raw" if block_device else format_of(path)
    check_block_device(block_device, to)
    how = Encoded(source_format=source_format, compression=vmdk_compression)
    image = _image(to, how, qcow2_compression, grains)
    if not isinstance(overwrite, bool):
        raise TypeError(f"overwrite must be True or False, not {type(overwrite).__name__}")
    if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool)):
        raise TypeError(f"threads must be an int or None, not {type(threads).__name__}")
    if threads is not None and not 1 <= threads <= _MOST_THREADS:
        raise ValueError(f"threads must be 1 to {_MOST_THREADS}, not {threads}")
    named = (os.fspath(local_path(source)), path)
    if block_device:
        await face.in_thread(lambda: _check_two(*named))
    options: dict[str, Any] = {"overwrite": overwrite, "threads": threads}
    job: Reading
    if image is None:
        job = Encoding(*named, how, **options)
    else:
        job = _Conversion(*named, how, image, block_device=block_device, **options)
    try:
        await read_all(face, None, [job], 1, checked(progress))
    except BaseException as error:
        # What was written is removed by who writes.
        await face.cleanup(job.settle, error)
        raise
    if job.error is not None:
        raise job.error
    disk = job.disk or {}
    return ConvertedImage(
        path=path, format=to, capacity=disk["capacity"], populated=disk["populated"]
    )
