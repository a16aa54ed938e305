"""A package that arrives in order and cannot be read again: a pipe, an iterator of bytes."""

from __future__ import annotations

from nfclease import _core
from nfclease._local.ends import refuse_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._face import Face


def is_stream(source: Any) -> bool:
    """Whether a source gives its bytes once, in order."""
    if isinstance(source, (str, bytes, bytearray, memoryview)) or hasattr(source, "__fspath__"):
        return False
    if callable(getattr(source, "read", None)):
        return not _can_seek(source)
    return callable(getattr(source, "__iter__", None))


def _can_seek(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return callable(getattr(file, "seek", None))


class StreamEnd:
    """What the core reads: one call for each piece, from one thread at a time."""

    def __init__(self, source: Any) -> None:
        read = getattr(source, "read", None)
        if callable(read):
            refuse_text("source", source, "rb")
            self._read = read
        else:
            # An empty piece is not the end.
            pieces = filter(len, source)
            self._read = lambda _size: next(pieces, b"")

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end."""
        data = self._read(size)
        if data is None:
            raise BlockingIOError("read() would block; the stream must be a blocking one")
        if isinstance(data, (bytearray, memoryview)):
            data = bytes(data)
        if not isinstance(data, bytes):
            raise TypeError(f"the stream gave {type(data).__name__}, and not bytes")
        return data


def name_of(source: Any) -> str:
    """What messages call it."""
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and name else "<stream>"


async def incoming(face: Face, source: Any) -> _core.Incoming:
    """Reads a stream to its descriptor.

    Args:
        face: How the job waits.
        source: A binary file object that cannot seek, or an iterable of bytes.

    Raises:
        TypeError: It gives text, or no bytes.
        PackageError: It is not an OVA, or the descriptor is not its first member.
    """
    end, name = StreamEnd(source), name_of(source)
    return await face.in_thread(lambda: _core.Incoming.of_stream(end, name=name))
