"""The local end of a transfer that is a file object: one step of it at a time, at its own place."""

from __future__ import annotations

import io
import os

from nfclease._local.turns import End, position

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SourceEnd(End):
    """What an upload reads."""

    kind = "source"

    def _look(self, others: set[End]) -> None:
        self.length = _remaining_bytes(self._file)
        self._at = self._file.tell()
        for other in others:
            if self._moves_with(other):
                raise self._mixed(other)

    def _moves_with(self, other: End) -> bool:
        """Whether it stood elsewhere before the other one was read: nobody knows where it began."""
        for mine, theirs in self._shared_with(other):
            file, at = theirs.file, position(theirs.file)
            raw = isinstance(mine.file, io.FileIO) and isinstance(file, io.FileIO)
            same = mine.file is file and not isinstance(file, io.BufferedIOBase)
            if mine.way.placed or not isinstance(at, int) or not (raw or same):
                continue
            file.seek(at + 1)
            try:
                if self._file.tell() != self._at:
                    return True
            finally:
                file.seek(at)
        return False

    def read(self, size: int) -> Any:
        """The next bytes; none at the end."""
        with self._turn():
            if self._is_moved():
                # By way of the end: a buffered reader believes that it stands where it stood.
                self._file.seek(0, os.SEEK_END)
                self._file.seek(self._at)
            data = self._file.read(size)
            if isinstance(data, (bytes, bytearray)):
                self._at += len(data)
        if not data:
            self.free()
        return data


class TargetEnd(End):
    """What a download is written to."""

    kind = "target"

    def __init__(self, file: Any, name: str) -> None:
        super().__init__(file, name)
        #: Where the first byte went, and how long the file was then; None where it cannot go back.
        self._begin: tuple[int, int] | None = None
        self._has_begun = False

    def write(self, data: bytes) -> bool:
        """Writes all of it; says whether it can be taken back."""
        with self._turn():
            if self._has_begun:
                self._check()
            else:
                self._begin = _begin(self._file)
                self._has_begun = True
            _write_all(self._file, data)
        return self._begin is not None

    def _check(self) -> None:
        if self._is_moved():
            raise ValueError(
                f"somebody else moved or wrote to this file object while {self.name} was "
                "written to it; its bytes are mixed"
            )

    def rewind(self) -> None:
        """Goes back to where the first byte went."""
        if self._begin is None:
            raise io.UnsupportedOperation("this file object cannot go back")
        at, size = self._begin
        with self._turn():
            self._check()
            if self._file.seek(0, os.SEEK_END) > size:
                self._file.truncate(size)
            self._file.seek(at)

    def finish(self) -> None:
        """Hands on what the file object itself keeps back."""
        with self._turn():
            if self._has_begun:
                self._check()
            flush = getattr(self._file, "flush", None)
            if flush is not None:
                flush()


def _remaining_bytes(source: Any) -> int:
    """The length to announce; vSphere's hosts refuse uploads without one."""
    try:
        start: int = source.tell()
        end: int = source.seek(0, os.SEEK_END)
        source.seek(start)
    except (AttributeError, OSError) as error:
        raise TypeError(
            "source must be seekable, so that its length can be announced; "
            "read it into a file or bytes first"
        ) from error
    return end - start


def _begin(file: Any) -> tuple[int, int] | None:
    if not callable(getattr(file, "truncate", None)):
        return None
    try:
        at = file.tell()
        size = file.seek(0, os.SEEK_END)
        if not _appends(file):
            file.seek(at)
            return at, size
    except Exception:  # a pipe, a stream that only goes on, somebody's own
        return None
    return size, size  # each write goes to the end, wherever it stands


def _appends(file: Any) -> bool:
    if "a" in str(getattr(file, "mode", "")):
        return True
    try:
        import fcntl

        return bool(fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND)
    except (ImportError, AttributeError, OSError, ValueError):
        return False


def _write_all(file: Any, data: bytes) -> None:
    rest = data
    while rest:
        count = file.write(rest)
        if count is None:
            # Nothing was written by a raw file; others that return None wrote it all.
            if isinstance(file, io.RawIOBase):
                raise BlockingIOError("write() would block; the file object must be a blocking one")
            return
        if not 0 < count <= len(rest):
            raise OSError(f"write() of {len(rest)} bytes returned {count}")
        rest = rest[count:]
