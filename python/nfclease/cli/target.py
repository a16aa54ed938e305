"""Where an export goes: a directory, an ``.ova`` or a pipe; what is wrong with it is said early."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Target"]


class Target:
    """What ``-o`` says, looked at before anybody logs in.

    Raises:
        UsageError: It is empty.
        OSError: There is something already, or no directory to put it in.
    """

    def __init__(self, path: str, *, overwrite: bool) -> None:
        self.path: str = path
        self.is_pipe: bool = path == "-"
        self.is_archive: bool = self.is_pipe or path.lower().endswith(".ova")
        #: For people.
        self.name: str = "standard output" if self.is_pipe else path
        if not self.is_pipe:
            self._check(overwrite)

    def _check(self, overwrite: bool) -> None:
        if not self.path:
            from nfclease.cli.failure import UsageError

            raise UsageError("-o is empty: give a directory, a file that ends in .ova, or -")
        final = os.path.realpath(self.path)
        if not os.path.isdir(os.path.dirname(final)):
            raise FileNotFoundError(
                errno.ENOENT, "the directory does not exist", os.path.dirname(final)
            )
        if not os.path.lexists(final) or overwrite:
            return
        if self.is_archive or not os.path.isdir(final):
            text = os.strerror(errno.EEXIST)
            if not self.is_archive:
                text = "there is a file of this name; give a directory, or a name ending in .ova"
            raise FileExistsError(errno.EEXIST, text, self.path)
        if os.listdir(final):
            text = (
                "the directory is not empty: give a new name in it; --overwrite replaces a package"
            )
            raise FileExistsError(errno.EEXIST, text, self.path)

    def check_pipe(self) -> None:
        """Looks at the standard output, which is to get the archive.

        Raises:
            UsageError: It is a terminal, or the process has none.
        """
        from nfclease.cli.failure import UsageError

        if sys.stdout is None:
            raise UsageError("-o - needs a standard output")
        if sys.stdout.isatty():
            text = "-o - writes an OVA, and standard output is a terminal: pipe it somewhere"
            raise UsageError(text)

    @property
    def room(self) -> str:
        """The directory whose free space an export takes."""
        if self.is_pipe:  # the files are spooled first
            import tempfile

            return tempfile.gettempdir()
        return os.path.dirname(os.path.realpath(self.path))

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """What ``export_vm`` gets."""
        if not self.is_pipe:
            yield self.path
            return
        # Without a buffer of Python's, which would be written again when the process ends.
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0) as file:
            try:
                yield file
            except BrokenPipeError as error:
                text = "who read the archive has ended before its end"
                raise BrokenPipeError(errno.EPIPE, text, self.name) from error
