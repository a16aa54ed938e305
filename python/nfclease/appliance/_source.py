"""From what a caller passes as a package to one that is open."""

from __future__ import annotations

import os

from nfclease import _core
from nfclease._arguments import refuse_text
from nfclease._local.ends import local_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._face import Face


async def opened(face: Face, source: Any) -> _core.Package:
    """The package. Whatever gives another one belongs here.

    Args:
        face: How the job waits.
        source: A path, a seekable binary file object, or an open package.

    Raises:
        TypeError: `source` is of another kind, or a file object of text.
        PackageError: It is no package that can be read.
        OSError: It cannot be read.
    """
    if isinstance(source, _core.Package):
        return source
    if isinstance(source, (str, os.PathLike)):
        path = local_path(source)
        return await face.in_thread(lambda: _core.Package.of_path(path))
    if callable(getattr(source, "read", None)) and callable(getattr(source, "seek", None)):
        from nfclease._local.stored import StoredEnd

        refuse_text("source", source, "rb")
        end = StoredEnd(source)
        return await face.in_thread(lambda: _core.Package.of_file(end, end.length))
    raise TypeError(
        "source must be the path of an .ova, an .ovf or its directory, or a seekable binary file "
        f"object, not {type(source).__name__}"
    )
