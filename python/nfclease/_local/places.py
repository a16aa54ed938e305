"""Where the position of a file object is kept: what two of them may have in common.

Members of one archive, readers over one raw file, duplicated descriptors and slices of one handle
are different objects over one position.
"""

from __future__ import annotations

import gc
import io
import os
import stat
import sys
from functools import partial
from itertools import islice
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: A genuine file object consists of fewer objects; a search must not become a walk through the
#: whole program.
_MOST = 2000
#: An archive's member knows the archive, which knows the file.
_MOST_OTHERS = 2

#: Python's own, beneath which nothing but bytes goes on.
_PLAIN = (
    io.FileIO,
    io.BytesIO,
    io.BufferedReader,
    io.BufferedWriter,
    io.BufferedRandom,
    io.BufferedRWPair,
)
_PLAIN_BY_NAME = {
    ("tempfile", "_TemporaryFileWrapper"),
    ("tempfile", "SpooledTemporaryFile"),
    ("socket", "SocketIO"),
}
#: They go to their own position before each read of what lies beneath.
_OWN_POSITION = {("tarfile", "_FileInFile"), ("zipfile", "_SharedFile")}

#: What has no file beneath, or belongs to everybody.
_NO_WAY = (
    str,
    bytes,
    bytearray,
    int,
    float,
    type,
    ModuleType,
    BuiltinFunctionType,
    CodeType,
    FrameType,
    io.TextIOBase,
)
#: What an object keeps its attributes in.
_CONTAINERS = (dict, list, tuple, CellType, MethodType, FunctionType, partial)


class _Way(NamedTuple):
    """What lies between a file object and something found beneath it."""

    #: Only Python's own buffers and files lie above it.
    direct: bool = True
    #: Only file objects lie above it.
    chained: bool = True
    #: Something above it goes to its own position each time.
    placed: bool = False
    #: Objects above it other than files.
    others: int = 0


class Part(NamedTuple):
    """A file object, or one beneath it."""

    file: Any
    #: By which two are the same: the file on the disk where that is known, else the object.
    key: tuple[object, ...]
    way: _Way


def parts_of(file: Any) -> list[Part]:
    """A file object and all beneath it that have a position, as far as Python can see."""
    found: list[Part] = []
    seen: dict[int, Any] = {}  # the objects too, so that each keeps its identity meanwhile
    todo = [(file, _Way())]
    for node, way in todo:  # which grows
        if id(node) in seen:
            continue
        seen[id(node)] = node
        if node is file or _is_file(node):
            way = way._replace(direct=way.direct and _is_plain(node))
            found.append(Part(node, _key(node), way))
            way = way._replace(placed=way.placed or _name(node) in _OWN_POSITION)
        elif not isinstance(node, _CONTAINERS):
            way = way._replace(direct=False, chained=False, others=way.others + 1)
        if way.others <= _MOST_OTHERS:
            todo.extend((child, way) for child in islice(_beneath(node), max(0, _MOST - len(todo))))
    return found


def _name(node: Any) -> tuple[str, str]:
    return type(node).__module__.partition(".")[0], type(node).__name__


def _is_plain(node: Any) -> bool:
    return isinstance(node, _PLAIN) or _name(node) in _PLAIN_BY_NAME


def _is_file(node: Any) -> bool:
    """By its class alone: asking the object may be a call to a server."""
    if isinstance(node, io.IOBase):
        return True
    kind = type(node)
    moves = hasattr(kind, "read") or hasattr(kind, "readinto") or hasattr(kind, "write")
    return moves and hasattr(kind, "seek")


def _key(node: Any) -> tuple[object, ...]:
    try:
        found = os.fstat(node.fileno())
    except Exception:  # it has none, or it is somebody's own
        return ("object", id(node))
    if stat.S_ISCHR(found.st_mode):  # a device such as /dev/null keeps no position of its own
        return ("object", id(node))
    return ("file", found.st_dev, found.st_ino)


def _beneath(node: Any) -> Iterator[Any]:
    if isinstance(node, FunctionType):
        yield from _kept(node.__closure__ or ())
        return
    yield from _kept(gc.get_referents(node))
    if isinstance(node, io.IOBase) or _is_file(node):
        yield from _of_class(type(node))


def _kept(children: Iterable[Any]) -> Iterator[Any]:
    return (child for child in children if child is not None and not isinstance(child, _NO_WAY))


def _of_class(kind: type) -> Iterator[Any]:
    """Files that a class keeps for all its objects, and those that its code names."""
    for base in kind.__mro__:
        if base.__module__ in sys.stdlib_module_names:
            continue
        for value in vars(base).values():
            if isinstance(value, FunctionType):
                named = (value.__globals__.get(name) for name in value.__code__.co_names)
                yield from (file for file in named if _is_file(file))
            elif _is_file(value):
                yield value
