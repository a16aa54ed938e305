"""A seekable file object that several readers read at once, each at its own place."""

from __future__ import annotations

import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class StoredEnd:
    """One file object of one package. Its readers go to their place and read in turn."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._turn = threading.Lock()
        #: Its length in bytes.
        self.length: int = file.seek(0, os.SEEK_END)

    def read_at(self, offset: int, size: int) -> bytes:
        """So many bytes at this place, fewer at the end."""
        pieces = []
        with self._turn:
            self._file.seek(offset)
            while size > 0:
                piece = self._file.read(size)
                if piece is None:
                    raise BlockingIOError(
                        "read() would block; the file object must be a blocking one"
                    )
                if not piece:
                    break
                pieces.append(bytes(piece))
                size -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
