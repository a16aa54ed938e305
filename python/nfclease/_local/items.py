"""The files of ``FileItem``s in a directory: all of them are found before the first is sent."""

from __future__ import annotations

import errno
import os
from urllib.parse import unquote

from pyVmomi import vim

from nfclease._local.ends import local_path
from nfclease._text import escaped
from nfclease.exceptions import UnsafePathError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def sources_of(items: Iterable[Any], source: str | os.PathLike[str]) -> list[tuple[Any, str]]:
    """Each item with its file.

    Raises:
        TypeError: `items` are something else, or `source` is not a path.
        UnsafePathError: An item's path leaves the directory.
        FileNotFoundError: Files are missing; the message names all of them.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source must be the path of a directory, not {type(source).__name__}")
    directory = os.fspath(local_path(source))
    if not os.path.isdir(directory):
        missing = not os.path.exists(directory)
        code = errno.ENOENT if missing else errno.ENOTDIR
        raise OSError(code, os.strerror(code), directory)
    found = [(item, _file_of(item, directory)) for item in items]
    missing_names = [escaped(item.path) for item, path in found if path is None]
    if missing_names:
        text = f"{os.strerror(errno.ENOENT)}, nothing was sent: {', '.join(missing_names)}"
        raise FileNotFoundError(errno.ENOENT, text, directory)
    return [(item, path) for item, path in found if path is not None]


def _file_of(item: Any, directory: str) -> str | None:
    """Its path is a reference, whose percent signs may stand for other characters."""
    if not isinstance(item, vim.OvfManager.FileItem):
        raise TypeError(
            "file_items takes the FileItems of CreateImportSpec (spec.fileItem), "
            f"not {type(item).__name__}"
        )
    for name in dict.fromkeys((item.path or "", unquote(item.path or ""))):
        _check(name)
        path = os.path.join(directory, *name.split("/"))
        if os.path.isfile(path):
            return path
    return None


def _check(name: str) -> None:
    odd = any(each in name for each in ("\0", "\\", ":"))
    if not odd and not {"", ".", ".."} & {*name.split("/")}:
        return
    raise UnsafePathError(
        f"{escaped(name)!r} is not the path of a file within the package: the server's FileItem "
        "has it from the descriptor's href; correct it there"
    )
