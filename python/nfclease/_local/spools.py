"""Streams that are made of other disks for an upload, which must know how long each is."""

from __future__ import annotations

import os
import tempfile
import time

from nfclease import _core
from nfclease._local.ends import local_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Seconds that work which was cancelled may take to let go of its file.
_PATIENCE = 10.0
_LOOK = 0.01

_STREAM = b"KDMV"


class Spool:
    """A temporary directory that is there while streams are needed, in ``TMPDIR``."""

    def __init__(self) -> None:
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._work: list[_core.Reading] = []
        self._paths = 0
        self._is_removed = False

    def next_path(self) -> str:
        """Where the next stream goes."""
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="nfclease-")
        self._paths += 1
        return os.path.join(self._directory.name, f"{self._paths}.vmdk")

    def started(self, work: _core.Reading) -> _core.Reading:
        """What fills that path, and is stopped before it is removed."""
        self._work.append(work)
        if self._is_removed:  # it was begun in a thread that nobody waits for any more
            work.cancel()
        return work

    def encoding(
        self, source: str, path: str, capacity: int | None, name: str | None = None
    ) -> _core.Reading:
        """Starts to make a stream of a disk, which messages call `name`."""
        return self.started(
            _core.Reading.of_encoding(
                source,
                path,
                name=name,
                overwrite=False,
                format=None,
                compression="libdeflate",
                capacity=capacity,
                threads=None,
            )
        )

    def remove(self) -> None:
        """Stops what is under way, and removes all. Blocks."""
        self._is_removed = True
        for work in self._work:
            work.cancel()
        until = time.monotonic() + _PATIENCE
        while any(not work.ended() for work in self._work) and time.monotonic() < until:
            time.sleep(_LOOK)
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None


def disk_path(source: Any) -> str:
    """The path of a disk that is to be converted.

    Raises:
        TypeError: It is something else than a path.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"convert=True is for the path of a disk, not for a {type(source).__name__}"
        )
    return os.fspath(local_path(source))


def is_stream(path: str) -> bool:
    """Whether a file starts as a streamOptimized VMDK does. Blocks."""
    with open(path, "rb") as file:
        return file.read(len(_STREAM)) == _STREAM
