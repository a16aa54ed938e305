"""A member of a tar archive that comes as a stream, as an OVA does over HTTP."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator, Callable

_BLOCK = tarfile.BLOCKSIZE
_LONGEST_NAME = 1 << 16
Pieces = AsyncIterator[bytes]


class _Reader:
    """Reads exact numbers of bytes off a stream of pieces."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._left = b""

    async def upto(self, size: int) -> AsyncIterator[bytes]:
        """So many bytes, in pieces; fewer if the stream ends."""
        while size:
            if not self._left:
                self._left = await anext(self._pieces, b"")
                if not self._left:
                    return
            piece, self._left = self._left[:size], self._left[size:]
            size -= len(piece)
            yield piece

    async def exactly(self, size: int) -> bytes:
        """So many bytes."""
        read = b"".join([piece async for piece in self.upto(size)])
        if len(read) < size:
            raise EOFError("the archive ends too early")
        return read


async def member(pieces: Pieces, name: str, found: Callable[[int], None]) -> AsyncIterator[bytes]:
    """The bytes of a member.

    Args:
        pieces: The archive.
        name: Of the member.
        found: Is told its size before the first byte.

    Raises:
        KeyError: None has this name.
        EOFError: The archive ends in the middle.
        ValueError: It is not a tar archive.
    """
    reader, long_name = _Reader(pieces), ""
    while True:
        try:
            block = await reader.exactly(_BLOCK)
            if not any(block):
                raise KeyError(name)
            entry = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise ValueError(str(error)) from error
        padding = -entry.size % _BLOCK
        if entry.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            if entry.size > _LONGEST_NAME:
                raise ValueError("a name without end")
            text = (await reader.exactly(entry.size)).decode("utf-8", "surrogateescape")
            await reader.exactly(padding)
            long_name = text.rstrip("\0") if entry.type == tarfile.GNUTYPE_LONGNAME else _path(text)
            continue
        own, long_name = long_name or entry.name, ""
        if own.removeprefix("./") == name and entry.isreg():
            found(entry.size)
            left = entry.size
            async for piece in reader.upto(entry.size):
                left -= len(piece)
                yield piece
            if left:
                raise EOFError("the archive ends in the middle of it")
            return
        async for _ in reader.upto(entry.size + padding):
            pass


def _path(text: str) -> str:
    """The path that a pax header gives; empty if none."""
    for line in text.split("\n"):
        key, _, value = line.partition(" ")[2].partition("=")
        if key == "path":
            return value
    return ""
