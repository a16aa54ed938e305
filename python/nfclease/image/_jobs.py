"""The bodies of what ``nfclease.image`` does, over either face."""

from __future__ import annotations

import os

from nfclease import _core
from nfclease._local.ends import local_path
from nfclease.appliance._reading import Reading, read_all
from nfclease.image._encoding import Encoded, Encoding
from nfclease.image.results import ConvertedImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._face import Face
    from nfclease.progress import ProgressOption

_FORMATS = ("raw", "vmdk")
_MOST_THREADS = 64


class _Conversion(Reading):
    """A disk that is read to its end while another file is made of it."""

    def __init__(self, source: str, target: str, overwrite: bool, threads: int | None) -> None:
        super().__init__(source, sums=[])
        self._target, self._overwrite, self._threads = target, overwrite, threads

    def _begin(self, package: None) -> _core.Reading:
        return _core.Reading.of_conversion(self.name, self._target, self._overwrite, self._threads)

    def _keep(self, found: Any) -> None:
        self.disk = found


async def converted(
    face: Face,
    source: Any,
    target: Any,
    to: str,
    overwrite: bool,
    threads: int | None,
    progress: ProgressOption,
    source_format: str | None,
    vmdk_compression: str,
) -> ConvertedImage:
    """What ``convert`` returns."""
    from nfclease._display.option import checked

    if to not in _FORMATS:
        raise ValueError(f"to must be one of {', '.join(_FORMATS)}, not {to!r}")
    if not isinstance(overwrite, bool):
        raise TypeError(f"overwrite must be True or False, not {type(overwrite).__name__}")
    if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool)):
        raise TypeError(f"threads must be an int or None, not {type(threads).__name__}")
    if threads is not None and not 1 <= threads <= _MOST_THREADS:
        raise ValueError(f"threads must be 1 to {_MOST_THREADS}, not {threads}")
    how = Encoded(source_format=source_format, compression=vmdk_compression)
    how.check_target(to)
    path = os.fspath(local_path(target))
    named = (os.fspath(local_path(source)), path, overwrite, threads)
    job = Encoding(*named, how) if to == "vmdk" else _Conversion(*named)
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
