"""A FUSE file system over a directory, with what those over object stores lack, and with faults.

It has no hard links and knows no flag of a rename, as s3fs, gcsfuse and rclone. Run as
``python -m tests.faults.harness.object_store BACKING MOUNTPOINT [FAULT ...]``, where a fault is
``write:EIO``, ``rename:ENOSPC:2`` (from the second call on), ``fsync:slow=0.5`` (seconds) or
``write@.ovf:EIO`` (of names that end so).
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from mfusepy import FUSE, FuseOSError, Operations


@dataclass
class Fault:
    """What happens to a call at paths that end so, from a number of such calls on."""

    call: str
    suffix: str
    number: int
    seconds: float
    since: int
    count: int = 0

    @classmethod
    def read(cls, text: str) -> Fault:
        """From an argument."""
        where, what, *since = text.split(":")
        call, _, suffix = where.partition("@")
        slow = what.removeprefix("slow=")
        number = getattr(errno, what) if slow == what else 0
        seconds = 0.0 if number else float(slow)
        return cls(call, suffix, number, seconds, int(since[0]) if since else 1)


class ObjectStore(Operations):  # type: ignore[misc,unused-ignore]
    """The calls that such a file system knows.

    Args:
        root: The directory below.
        faults: What calls it lets fail, or lets wait.
    """

    use_ns = True

    def __init__(self, root: str, faults: list[Fault]) -> None:
        self._root, self._faults = root, faults
        self._written: set[int] = set()
        self._lock = threading.Lock()

    def _path(self, path: str) -> str:
        return self._root + path

    def _may(self, call: str, path: str) -> None:
        for fault in self._faults:
            if fault.call != call or not path.endswith(fault.suffix):
                continue
            with self._lock:
                fault.count += 1
                applies = fault.count >= fault.since
            if applies:
                time.sleep(fault.seconds)
                if fault.number:
                    raise FuseOSError(fault.number)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """Of a file, a directory or a link."""
        seen = os.lstat(self._path(path)) if fh is None else os.fstat(fh)
        names = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_ino", "st_blocks")
        times = {f"st_{name}time": getattr(seen, f"st_{name}time_ns") for name in "amc"}
        return {**{name: getattr(seen, name) for name in names}, **times}

    def readdir(self, path: str, fh: int) -> list[str]:
        """All names."""
        return [".", "..", *os.listdir(self._path(path))]

    def statfs(self, path: str) -> dict[str, int]:
        """Of the directory below."""
        seen = os.statvfs(self._path(path))
        names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree")
        return {name: getattr(seen, name) for name in (*names, "f_namemax")}

    def mkdir(self, path: str, mode: int) -> None:
        """A directory."""
        self._may("mkdir", path)
        os.mkdir(self._path(path), mode)

    def rmdir(self, path: str) -> None:
        """An empty directory."""
        os.rmdir(self._path(path))

    def unlink(self, path: str) -> None:
        """A file."""
        self._may("unlink", path)
        os.unlink(self._path(path))

    def rename(self, old: str, new: str, flags: int = 0) -> None:
        """Without flags only."""
        if flags:
            raise FuseOSError(errno.EINVAL)
        self._may("rename", old)
        os.rename(self._path(old), self._path(new))

    def link(self, target: str, source: str) -> None:
        """Not known."""
        raise FuseOSError(errno.EOPNOTSUPP)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        """Of an open file, or of a path."""
        os.truncate(self._path(path) if fh is None else fh, length)

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        """As told."""
        os.utime(self._path(path), ns=times or (time.time_ns(), time.time_ns()))

    def create(self, path: str, mode: int, flags: int) -> int:
        """A new file, with its descriptor."""
        self._may("create", path)
        return os.open(self._path(path), flags | os.O_CREAT, mode)

    def open(self, path: str, flags: int) -> int:
        """A file that is there."""
        return os.open(self._path(path), flags)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Some bytes."""
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Some bytes."""
        self._may("write", path)
        self._written.add(fh)
        return os.pwrite(fh, data, offset)

    def flush(self, path: str, fh: int) -> None:
        """At each close of a descriptor; it may fail where bytes were written since the last."""
        if fh in self._written:
            self._may("flush", path)
            self._written.discard(fh)

    def fsync(self, path: str, datasync: int, fh: int) -> None:
        """Of a file."""
        self._may("fsync", path)
        os.fsync(fh)

    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        """Of a directory."""
        self._may("fsyncdir", path)

    def release(self, path: str, fh: int) -> None:
        """The last close."""
        self._written.discard(fh)
        os.close(fh)


class _Mount(FUSE):  # type: ignore[misc,unused-ignore]
    """Hands on the flags of a rename, which the library drops."""

    def rename_fuse_3(self, old: bytes, new: bytes, flags: int) -> int:
        self.operations.rename(os.fsdecode(old), os.fsdecode(new), int(flags))
        return 0


def main() -> None:
    """Serves until it is unmounted."""
    root, where, *faults = sys.argv[1:]
    # Gone with whoever has started it.
    ctypes.CDLL(None).prctl(1, 9)
    store = ObjectStore(root, [Fault.read(text) for text in faults])
    # A file in use is removed at once, not given a name such as .fuse_hidden1 until its close.
    _Mount(store, where, foreground=True, hard_remove=True)


if __name__ == "__main__":
    main()
