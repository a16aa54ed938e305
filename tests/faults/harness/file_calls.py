"""The calls of this process on files, by strace, played into the model of a disk; Linux only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .power import Disk
from .tracing import attached

_CHANGES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate")
_COPIES = ("copy_file_range", "splice")
_SYNCS = ("fsync", "fdatasync")
_NAMES = ("open", "openat", "creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat")
_MOVES = ("rename", "renameat", "renameat2", "link", "linkat")
CALLS = (*_CHANGES, *_COPIES, *_SYNCS, *_NAMES, *_MOVES, "sendfile", "truncate")

_LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)")
_DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<([^>]*)>(\(deleted\))?")
_PLACE = re.compile(r'(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')


@contextmanager
def file_calls(into: Path) -> Iterator[None]:
    """Lists the calls of all threads there, for the length of a block.

    Raises:
        RuntimeError: strace did not attach.
    """
    command = ["strace", "-f", "-y", "-s", "0", "-e", f"trace={','.join(CALLS)}"]
    with attached([*command, "-o", str(into)]):
        yield


class Replay:
    """Plays a trace into a model, and asks after each call.

    Args:
        disk: The model, as it was before.
        after: Called after each call that changed something, with the line.

    Attributes:
        calls: How many did.
    """

    def __init__(self, disk: Disk, after: Callable[[str], object]) -> None:
        self._disk, self._after = disk, after
        self._begun: dict[tuple[str, str], tuple[str, int]] = {}
        self.calls = 0

    def play(self, lines: Iterator[str]) -> None:
        """All lines, in their order."""
        for line in lines:
            if found := _LINE.match(line):
                thread, call, rest = found.groups()
                self._line(thread, call, rest, line)

    def _line(self, thread: str, call: str, rest: str, line: str) -> None:
        key, resumed = (thread, call), "resumed>" in line
        if resumed:
            begun, version = self._begun.pop(key, ("", 0))
            rest = begun + rest
        else:
            version = self._version(rest) if call in _SYNCS else 0
        if "<unfinished" in rest:
            self._begun[key] = (rest.partition("<unfinished")[0], version)
            if call in _CHANGES:
                self._changed(rest)
            return
        arguments, _, result = rest.rpartition(" = ")
        if result and not result.startswith(("-", "?")):
            self._done(call, arguments, version)
            self.calls += 1
            self._after(line.strip()[:200])

    def _version(self, arguments: str) -> int:
        path = _descriptors(arguments)[:1]
        node = self._disk.node(path[0]) if path else None
        return node.version if node else 0

    def _changed(self, arguments: str, which: int = 0) -> None:
        for path in _descriptors(arguments)[which : which + 1]:
            self._disk.changed(path)

    def _done(self, call: str, arguments: str, version: int) -> None:
        if call in _CHANGES or call == "sendfile":
            self._changed(arguments)
        elif call in _COPIES:
            self._changed(arguments, 1)
        elif call in _SYNCS:
            for path in _descriptors(arguments)[:1]:
                self._disk.synced(path, version)
        else:
            self._named(call, arguments)

    def _named(self, call: str, arguments: str) -> None:
        places = [os.path.join(folder or "/", name) for folder, name in _PLACE.findall(arguments)]
        if call in ("open", "openat", "creat"):
            if "O_CREAT" in arguments or call == "creat":
                self._disk.make(places[0])
            if "O_TRUNC" in arguments:
                self._disk.changed(places[0])
        elif call.startswith("mkdir"):
            self._disk.make(places[0], directory=True)
        elif call in ("unlink", "unlinkat", "rmdir"):
            self._disk.remove(places[0])
        elif call == "truncate":
            self._disk.changed(places[0])
        elif call.startswith("rename"):
            self._disk.rename(places[0], places[1])
        elif call.startswith("link"):
            self._disk.link(places[0], places[1])


def _descriptors(arguments: str) -> list[str]:
    """The paths of the descriptors among them, but for files that have no name any more."""
    without_text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', arguments)
    return [path if not gone else "" for path, gone in _DESCRIPTOR.findall(without_text)]


def disk_of(root: Path) -> Disk:
    """The model of a directory as it is, all of which lasts."""
    disk = Disk(str(root))
    for path in sorted(root.rglob("*")):
        disk.make(str(path), directory=path.is_dir())
    disk.settle()
    return disk
