"""The body of ``convert``, over either face."""

from __future__ import annotations

import os
from functools import partial

from nfclease import _core
from nfclease._local.ends import local_path
from nfclease._local.images import check_block_device, check_flag, format_of
from nfclease.appliance._reading import Reading, read_all
from nfclease.image._asked import check_threads, image_of
from nfclease.image.results import ConvertedImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nfclease.appliance._face import Face
    from nfclease.progress import ProgressOption


class _Conversion(Reading):
    """A disk that is read to its end while an image is made of it."""

    def __init__(self, source: str, begin: Callable[[], _core.Reading]) -> None:
        super().__init__(source, sums=[])
        self._begin_it = begin

    def _begin(self, package: None) -> _core.Reading:
        return self._begin_it()

    def _keep(self, found: Any) -> None:
        self.disk = found


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
    image = image_of(to, source_format, qcow2_compression, vmdk_compression, grains)
    check_flag("overwrite", overwrite)
    check_threads(threads)
    disk = os.fspath(local_path(source))
    if block_device:
        await face.in_thread(lambda: _check_two(disk, path))
    options: dict[str, Any] = {
        "format": source_format,
        "overwrite": overwrite,
        "threads": threads,
    }
    begin: Callable[[], _core.Reading]
    if image is None:
        options["compression"] = vmdk_compression
        begin = partial(_core.Reading.of_encoding, disk, path, **options)
    else:
        options["block_device"] = block_device
        begin = partial(_core.Reading.of_conversion, disk, path, image, **options)
    job = _Conversion(disk, begin)
    try:
        await read_all(face, None, [job], 1, checked(progress))
    except BaseException as error:
        # What was written is removed by who writes.
        await face.cleanup(job.settle, error)
        raise
    if job.error is not None:
        raise job.error
    found = job.disk or {}
    return ConvertedImage(
        path=path, format=to, capacity=found["capacity"], populated=found["populated"]
    )
