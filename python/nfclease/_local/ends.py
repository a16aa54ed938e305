"""What a caller gave to write to or to read, as the core takes it: here alone the kinds differ."""

from __future__ import annotations

import os

from nfclease import _core
from nfclease._arguments import refuse_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias, TypeVar

    from nfclease._local.turns import End

    Made = TypeVar("Made")

    #: Its path where it has one, and the turns at it where it is a file object.
    _About: TypeAlias = tuple[str | None, End | None]


def local_path(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Refuses what no file can be called, as ``open`` does."""
    if "\0" in os.fspath(path):
        raise ValueError("embedded null byte in a path")
    return path


def sink_of(target: Any, name: str, overwrite: bool) -> tuple[_core.Sink, _About]:
    """Where a download goes: a path or a binary file object; or what is the core's already."""
    if isinstance(target, _core.Sink):
        return target, (None, None)
    if isinstance(target, (str, os.PathLike)):
        path = local_path(target)
        return _core.Sink.of_path(path, overwrite=overwrite), (os.fspath(path), None)
    if callable(getattr(target, "write", None)):
        refuse_text("target", target, "wb")
        from nfclease._local.file_objects import TargetEnd

        target_end = TargetEnd(target, name)
        sink = _or_free(target_end, lambda: _core.Sink.of_file(target_end))
        return sink, (None, target_end)
    raise TypeError(f"target must be a path or a binary file object, not {type(target).__name__}")


def source_of(source: Any, name: str) -> tuple[_core.Source, _About]:
    """What an upload reads: a path, bytes or a binary file object; or what is the core's."""
    if isinstance(source, _core.Source):
        return source, (None, None)
    if isinstance(source, (str, os.PathLike)):
        return _core.Source.of_path(local_path(source)), (os.fspath(source), None)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _core.Source.of_bytes(bytes(source)), (None, None)
    if callable(getattr(source, "read", None)):
        refuse_text("source", source, "rb")
        from nfclease._local.file_objects import SourceEnd

        source_end = SourceEnd(source, name)
        length = source_end.length
        read = _or_free(source_end, lambda: _core.Source.of_file(source_end, length))
        return read, (None, source_end)
    raise TypeError(
        f"source must be a path, bytes or a binary file object, not {type(source).__name__}"
    )


def start_at(
    end: End | None,
    start: Callable[..., _core.Transfer],
    *args: object,
    **options: str | None,
) -> _core.Transfer:
    """Starts a transfer, which is the only one of its file object."""
    transfer = _or_free(end, lambda: start(*args, **options))
    if end is not None:
        end.started(transfer)
    return transfer


def _or_free(end: End | None, make: Callable[[], Made]) -> Made:
    """A file object may go to another transfer when nothing was made of it."""
    try:
        return make()
    except BaseException:
        if end is not None:
            end.free()
        raise
