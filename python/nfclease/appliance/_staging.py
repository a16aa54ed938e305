"""The folder beside a target where verified disks wait for the next try: made, locked, removed."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

#: How often a folder that another process has just removed is made again.
_TRIES = 10


class Staging:
    """``.NAME.resume`` beside the target NAME, with the files of the package in ``package``.

    It belongs to one process at a time, which holds the lock of the file ``lock`` in it.

    Args:
        target: The path that the package is to have.
    """

    def __init__(self, target: str) -> None:
        directory, name = os.path.split(os.path.abspath(target))
        #: The folder.
        self.path: str = os.path.join(directory, f".{name}.resume")
        #: The files of the package, with the names that they have in it.
        self.package: str = os.path.join(self.path, "package")
        #: What is known of them.
        self.record: str = os.path.join(self.path, "kept.json")
        self._lock_path = os.path.join(self.path, "lock")
        self._lock: BinaryIO | None = None

    def open(self) -> None:
        """Makes the folder, or takes up the one that is there.

        Raises:
            BlockingIOError: Another export has it.
            PermissionError: Another user made it, or it is not a directory.
            OSError: It cannot be made or locked.
        """
        for _ in range(_TRIES):
            self._make(self.path, 0o700)
            try:
                lock = self._locked()
            except FileNotFoundError:  # who had it has just removed it
                continue
            if self._is_there(lock):
                self._lock = lock
                self._make(self.package, 0o777)
                return
            lock.close()
        raise BlockingIOError(errno.EAGAIN, "other exports make and remove it", self.path)

    def _make(self, path: str, mode: int) -> None:
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            pass
        except FileNotFoundError:
            text = f"{os.strerror(errno.ENOENT)}: the directory of the target has to be there"
            raise FileNotFoundError(errno.ENOENT, text, os.path.dirname(path)) from None
        with suppress(FileNotFoundError):
            self._check(path)

    def _check(self, path: str) -> None:
        """Refuses what another user may have put here, or may change."""
        found = os.lstat(path)
        is_link = getattr(found, "st_reparse_tag", 0) != 0
        if not stat.S_ISDIR(found.st_mode) or is_link:
            raise PermissionError(errno.EPERM, f"it is not a directory; {_WAY_OUT}", path)
        if found.st_uid != _owner_in(path):
            raise PermissionError(errno.EPERM, f"another user made it; {_WAY_OUT}", path)

    def _locked(self) -> BinaryIO:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        lock = os.fdopen(os.open(self._lock_path, flags, 0o600), "r+b")
        try:
            _lock(lock.fileno())
        except OSError as error:
            lock.close()
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                text = "another export to this target runs, and has the disks that were kept"
                raise BlockingIOError(errno.EAGAIN, text, self.path) from None
            error.filename = self._lock_path
            raise
        return lock

    def _is_there(self, lock: BinaryIO) -> bool:
        """Whether the lock's file has its name still."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(lock.fileno()), os.lstat(self._lock_path))
        return False

    def keep_only(self, names: set[str]) -> None:
        """Removes all of the package but these files."""
        for entry in os.scandir(self.package):
            if entry.name in names:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)

    def close(self) -> None:
        """Lets go of it; what is in it stays."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Removes it, as far as that can be, and lets go of it."""
        for entry in os.scandir(self.path):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.path != self._lock_path:
                with suppress(OSError):
                    os.unlink(entry.path)
        if sys.platform == "win32":  # where what is open has its name until it is closed
            self.close()
        with suppress(OSError):
            os.unlink(self._lock_path)
        with suppress(OSError):  # another export may be in it already
            os.rmdir(self.path)
        self.close()


_WAY_OUT = "remove it, or export to another place"


def _owner_in(directory: str) -> int:
    """Whom files of this process belong to there: no network file system needs to agree with us."""
    try:
        number, path = tempfile.mkstemp(dir=directory, prefix=".owner-")
    except PermissionError:
        return -1
    try:
        return os.fstat(number).st_uid
    finally:
        os.close(number)
        with suppress(OSError):
            os.unlink(path)


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> None:
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
