"""The directory of ``download_all``: its last level is made, as govc does."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress

from nfclease._local.ends import local_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def made(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Makes it where it is missing; after an error it goes again, unless there is a file in it.

    Raises:
        OSError: It cannot be made, or its parent is missing, which a misspelt path often is.
    """
    path = local_path(directory)
    new = _make(path)
    try:
        yield
    except BaseException:
        if new:
            with suppress(OSError):  # another file was verified before
                os.rmdir(path)
        raise


def _make(path: str | os.PathLike[str]) -> bool:
    """Whether it was missing."""
    if os.path.isdir(path):
        return False
    try:
        os.mkdir(path)
    except FileExistsError:
        if os.path.isdir(path):  # another export has just made it
            return False
        raise NotADirectoryError(
            errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path)
        ) from None
    except FileNotFoundError:
        text = f"{os.strerror(errno.ENOENT)}, and only the last level of a directory is made"
        raise FileNotFoundError(errno.ENOENT, text, os.fspath(path)) from None
    return True
