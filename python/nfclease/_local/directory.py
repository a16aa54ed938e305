"""The directory of a download: its last level is made, as govc does."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, contextmanager, suppress

from nfclease._local.ends import local_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


@contextmanager
def made(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Makes it where it is missing; after an error it goes again, unless there is a file in it.

    Raises:
        OSError: It cannot be made, or its parent is missing, which a misspelt path often is.
    """
    path = local_path(directory)
    with _removed_after_error(path, _make(path)):
        yield


@contextmanager
def made_for(*targets: Any) -> Iterator[None]:
    """The same for the directories of files; a file object has none.

    What is wrong with one that is there is the transfer's to say.

    Raises:
        OSError: It cannot be made, or its parent is missing.
    """
    with ExitStack() as made_now:
        for target in targets:
            named = os.fspath(target) if isinstance(target, (str, os.PathLike)) else ""
            # Bytes are refused later.
            path = os.path.dirname(named) if isinstance(named, str) else ""
            is_new = bool(path) and _made_or_there(path)
            made_now.enter_context(_removed_after_error(path, is_new))
        yield


def _made_or_there(path: str) -> bool:
    try:
        return _made_now(path)
    except FileExistsError:
        return False
    except OSError:
        if os.path.isdir(path):  # some file systems refuse before they look
            return False
        raise


@contextmanager
def _removed_after_error(path: str | os.PathLike[str], new: bool) -> Iterator[None]:
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
        return _made_now(path)
    except FileExistsError:
        if os.path.isdir(path):  # another export has just made it
            return False
        raise NotADirectoryError(
            errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path)
        ) from None


def _made_now(path: str | os.PathLike[str]) -> bool:
    try:
        os.mkdir(path)
    except FileNotFoundError:
        text = f"{os.strerror(errno.ENOENT)}, and only the last level of a directory is made"
        raise FileNotFoundError(errno.ENOENT, text, os.fspath(path)) from None
    return True
