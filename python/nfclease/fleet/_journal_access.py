"""A journal that is open: its lock, its connection and its transactions."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager, suppress

from nfclease.exceptions import JournalError
from nfclease.fleet._journal_file import make, opened, told
from nfclease.fleet._journal_lock import JournalLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Access"]


class Access:
    """The one connection that writes a journal, for several threads of one process.

    Args:
        path: The journal, which is made if it does not exist.

    Raises:
        JournalInUseError: Another driver has it open.
        JournalError: It is damaged, of a newer nfclease, another file, or cannot be locked.
        OSError: The directory does not exist, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(os.fsdecode(os.fspath(path)))
        self._mutex = threading.RLock()
        self._process = os.getpid()
        if os.path.lexists(self.path):  # beside another file no lock is left
            opened(self.path, writes=False).close()
        self._lock = JournalLock(self.path)
        try:
            make(self.path)
            self._connection: sqlite3.Connection | None = opened(self.path, writes=True)
        except BaseException:
            self._lock.release()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone.

        Raises:
            JournalError: It is closed, belongs to another process, or cannot be read.
        """
        with self._mutex, told(self.path):
            if self._connection is None:
                raise JournalError(f"the journal {self.path} is closed")
            if self._process != os.getpid():
                raise JournalError(
                    f"the journal {self.path} was opened by process {self._process}, and belongs "
                    "to it alone: let that process call it"
                )
            yield self._connection

    @contextmanager
    def changing(self, *, lasting: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction; a lasting one is on the disk at its end, and all before it.

        Raises:
            JournalError: As of ``reading``; or it cannot be written, and is as it was.
        """
        with self.reading() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.rollback()
                raise

    def close(self) -> None:
        """Lets another driver have it; the second call does nothing."""
        with self._mutex:
            connection, self._connection = self._connection, None
            if connection is None or self._process != os.getpid():
                return
            with suppress(sqlite3.Error):  # a reader is there, or no room: the log is kept, then
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("PRAGMA journal_mode = DELETE")
            connection.close()
            self._lock.release()
