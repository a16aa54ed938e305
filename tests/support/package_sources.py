"""The ways in which a package may be passed to a job: each makes a source of its members."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from .packages import ova, written
from .web import serving

#: A source, and what else the job is told of it.
Made = tuple[Any, dict[str, Any]]
#: Makes one of these members in a folder; what it opens ends with the stack.
Make = Callable[[dict[str, bytes], Path, ExitStack], Made]


def pieces(data: bytes) -> Iterator[bytes]:
    """The bytes once, in order."""
    return (data[at : at + 5000] for at in range(0, len(data), 5000))


def pipe(data: bytes, held: ExitStack) -> Any:
    """What a pipe brings."""
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb") as file, suppress(OSError):
            file.write(data)

    threading.Thread(target=write, daemon=True).start()
    return held.enter_context(os.fdopen(reader, "rb"))


def archive(members: dict[str, bytes], folder: Path) -> Path:
    """An OVA."""
    path = folder / "demo.ova"
    path.write_bytes(ova(members))
    return path


def at_web(members: dict[str, bytes], folder: Path, held: ExitStack, **habits: Any) -> Made:
    """An OVA at an address."""
    web = held.enter_context(serving({"demo.ova": ova(members)}, folder, **habits))
    return web.url("demo.ova"), {"ca_file": web.ca_file}


def files_at_web(members: dict[str, bytes], folder: Path, held: ExitStack) -> Made:
    """A descriptor at an address, with its files beside it."""
    web = held.enter_context(serving(members, folder))
    return web.url("demo.ovf"), {"ca_file": web.ca_file}


#: Those that are read at any place.
SEEKABLE: dict[str, Make] = {
    "directory": lambda members, folder, held: (written(folder / "package", members), {}),
    "archive": lambda members, folder, held: (archive(members, folder), {}),
    "file object": lambda members, folder, held: (
        held.enter_context(archive(members, folder).open("rb")),
        {},
    ),
    "address": at_web,
    "address of files": files_at_web,
}
#: Those that come once, in order.
STREAMS: dict[str, Make] = {
    "iterator": lambda members, folder, held: (pieces(ova(members)), {}),
    "pipe": lambda members, folder, held: (pipe(ova(members), held), {}),
    "address without Range": lambda members, folder, held: at_web(
        members, folder, held, ranges=False
    ),
}
