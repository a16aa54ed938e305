"""The sums of a file that is read once more."""

from __future__ import annotations

import hashlib
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PIECE = 1 << 20


def digests(path: str, kinds: Iterable[str], goes_on: Callable[[], None]) -> dict[str, str]:
    """These sums of a file, by their types, in one pass.

    Args:
        path: The file; a link is not followed.
        kinds: ``sha1``, ``sha256`` or ``sha512``.
        goes_on: Called for each piece; raises when nobody waits any more.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    running = {kind: hashlib.new(kind, usedforsecurity=False) for kind in kinds}
    piece = bytearray(_PIECE)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags | getattr(os, "O_NONBLOCK", 0)), "rb", 0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a regular file")
        while count := file.readinto(piece):
            goes_on()
            for digest in running.values():
                digest.update(memoryview(piece)[:count])
    return {kind: digest.hexdigest() for kind, digest in running.items()}
