"""From what a caller passes as the source of an import to an open package."""

from __future__ import annotations

import os

from nfclease import _core
from nfclease._arguments import refuse_text
from nfclease._local.ends import local_path
from nfclease._local.stored import StoredEnd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._face import Face


async def opened(face: Face, source: Any) -> _core.Package:
    """The package. Whatever gives another one belongs here.

    Raises:
        TypeError: `source` is of the wrong kind.
        PackageError: It is no package that can be read.
        OSError: It cannot be read.
    """
    if isinstance(source, _core.Package):
        return source
    if isinstance(source, (str, os.PathLike)):
        path = local_path(source)
        return await face.in_thread(lambda: _core.Package.of_path(path))
    if callable(getattr(source, "read", None)) and _is_seekable(source):
        refuse_text("source", source, "rb")
        return await face.in_thread(lambda: _of_file(source))
    raise TypeError(
        "source must be the path of an OVF directory, an .ovf or an .ova, or a binary file object "
        f"of an .ova that can seek, not {type(source).__name__}"
    )


def _is_seekable(source: Any) -> bool:
    seekable = getattr(source, "seekable", None)
    return callable(getattr(source, "seek", None)) and (seekable is None or seekable())


def _of_file(source: Any) -> _core.Package:
    end = StoredEnd(source)
    return _core.Package.of_file(end, end.length)
