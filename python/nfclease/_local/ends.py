"""What a caller gave to write to or to read, as the core takes it: here alone the kinds differ."""

from __future__ import annotations

import io
import os
from contextlib import suppress

from nfclease import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from nfclease._local.images import Wanted
    from nfclease._local.turns import End

    #: A transfer, and the path at its local end where it has one.
    _Started: TypeAlias = tuple[_core.Transfer, str | None]


def local_path(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Refuses what no file can be called, as ``open`` does."""
    if "\0" in os.fspath(path):
        raise ValueError("embedded null byte in a path")
    return path


def refuse_text(name: str, file: object, mode: str) -> None:
    """Refuses a file that takes or gives text."""
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{name} is a text file; open it in binary mode, {mode!r}")


def start_to(
    target: Any,
    name: str,
    overwrite: bool,
    start: Callable[..., _core.Transfer],
    *args: object,
    wanted: Wanted | None = None,
    **options: str | None,
) -> _Started:
    """Starts a download to a path, to a binary file object, or to what is the core's already.

    ``start`` gets `args`, where the download goes, and `options`. What is `wanted` may be an image
    of the disk in place of its stream, or several files.
    """
    if isinstance(target, _core.Sink):
        return start(*args, target, **options), None
    if isinstance(target, (str, os.PathLike)):
        sink = _sink(target, overwrite, wanted) if wanted else _file(target, overwrite)
        return start(*args, sink, **options), os.fspath(target)
    if wanted is not None and wanted.needs_a_path:
        raise TypeError(f"an image is written to a path, not to a {type(target).__name__}")
    if callable(getattr(target, "write", None)):
        refuse_text("target", target, "wb")
        from nfclease._local.file_objects import TargetEnd

        end = TargetEnd(target, name)
        return _of(end, lambda: start(*args, _core.Sink.of_file(end), **options)), None
    raise TypeError(f"target must be a path or a binary file object, not {type(target).__name__}")


def _sink(target: str | os.PathLike[str], overwrite: bool, wanted: Wanted) -> _core.Sink:
    """Where one download goes, with all its targets."""
    first = _file(target, overwrite, wanted.image, wanted.block_device)
    if not wanted.also:
        return first
    others = [_file(path, overwrite, image) for path, image in wanted.also]
    return _core.Sink.of_several([first, *others])


def _file(
    path: str | os.PathLike[str],
    overwrite: bool,
    image: _core.ImageFormat | None = None,
    block_device: bool = False,
) -> _core.Sink:
    return _core.Sink.of_path(
        local_path(path), overwrite=overwrite, image=image, block_device=block_device
    )


def start_from(
    source: Any,
    name: str,
    start: Callable[..., _core.Transfer],
    *args: object,
    **options: str | None,
) -> _Started:
    """Starts an upload of a path, bytes, a binary file object, or of what is the core's already.

    ``start`` gets `args`, what the upload reads, and `options`.
    """
    if isinstance(source, _core.Source):
        return start(*args, source, **options), None
    if isinstance(source, (str, os.PathLike)):
        read = _core.Source.of_path(local_path(source))
        return start(*args, read, **options), os.fspath(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return start(*args, _core.Source.of_bytes(bytes(source)), **options), None
    if callable(getattr(source, "read", None)):
        refuse_text("source", source, "rb")
        from nfclease._local.file_objects import SourceEnd

        end = SourceEnd(source, name)
        length = end.length
        return _of(end, lambda: start(*args, _core.Source.of_file(end, length), **options)), None
    raise TypeError(
        f"source must be a path, bytes or a binary file object, not {type(source).__name__}"
    )


def length_of(source: str | os.PathLike[str] | _core.Source) -> int:
    """How long a file or what is the core's already is; 0 where a file cannot be asked."""
    if isinstance(source, _core.Source):
        nothing = {"is_disk": False, "verify_format": False, "verify_size": False}
        length, _ = source.look("", size=None, disk_capacity=0, **nothing)
        return length
    with suppress(OSError):
        return os.path.getsize(source)
    return 0


def _of(end: End, start: Callable[[], _core.Transfer]) -> _core.Transfer:
    """The only transfer of a file object, which may go to another one when this cannot start."""
    try:
        transfer = start()
    except BaseException:
        end.free()
        raise
    end.started(transfer)
    return transfer
