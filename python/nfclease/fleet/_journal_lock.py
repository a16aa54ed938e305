"""One driver at a time: a lock that the system takes away from a process that dies.

It is SQLite's own lock on a small database beside the journal, which says who holds it: processes
that a driver forks do not inherit it, and it works on Windows. Nobody removes the file: a second
driver could lock the one that was removed.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass

from nfclease._text import escaped
from nfclease.exceptions import JournalError, JournalInUseError

__all__ = ["Holder", "JournalLock", "holder_of"]

#: Seconds that a driver waits: who asks for the state holds the lock for a moment.
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Holder:
    """A driver: its process, the machine it runs on, and since when, in seconds since 1970."""

    process: int
    host: str
    since: float

    def __str__(self) -> str:
        """For people, by the clock of this machine."""
        if not self.process:
            return "a process that this user cannot see"
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"process {self.process} on {escaped(self.host)}, since {since}"


class JournalLock:
    """Holds it until `release`, or until the process ends.

    Args:
        journal: The journal's path.

    Raises:
        JournalInUseError: Another driver holds it.
        JournalError: The file system gives no lock, or the file is another one.
        OSError: The directory does not exist.
    """

    def __init__(self, journal: str) -> None:
        path = _path(journal)
        self._connection = _opened(path, journal)
        me = (os.getpid(), socket.gethostname(), time.time())
        try:
            self._take(journal)
            self._connection.execute("CREATE TABLE IF NOT EXISTS holder (process, host, since)")
            self._connection.execute("DELETE FROM holder")
            self._connection.execute("INSERT INTO holder VALUES (?, ?, ?)", me)
            self._connection.execute("COMMIT")
            self._take(journal)
        except sqlite3.Error as error:
            self._connection.close()
            raise JournalError(
                f"the journal {escaped(journal, 1000)} cannot be locked: {error} in "
                f"{escaped(path, 1000)}. It needs a file system with locks that it may write; "
                "remove that file if it is something else"
            ) from error
        except BaseException:
            self._connection.close()
            raise

    def _take(self, journal: str) -> None:
        """Others read who holds it meanwhile: they are kept from writing alone."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            holder = _read(self._connection)
            if holder is None:  # nobody wrote who it is, or not even that can be read
                raise JournalError(
                    f"the journal {escaped(journal, 1000)} cannot be locked: another program keeps "
                    f"the lock {escaped(_path(journal), 1000)}, or its file system has no locks, "
                    "such as NFS without a lock service. Put the journal on a local file system"
                ) from None
            raise _in_use(journal, holder) from None

    def release(self) -> None:
        """Others may have it from now on."""
        with suppress(sqlite3.Error):
            self._connection.rollback()
        self._connection.close()


def holder_of(journal: str) -> Holder | None:
    """The driver that has a journal open; None where none has it.

    Where this user may not write the file of the lock, nobody can tell: it is the last driver then,
    alive or not.
    """
    path = _path(journal)
    if not os.path.exists(path):
        return None
    with suppress(sqlite3.Error), closing(_opened(path, journal, patience=0.0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return _read(connection) or Holder(0, "", 0.0)
        connection.rollback()
    return None


def _path(journal: str) -> str:
    return f"{os.path.realpath(journal)}.lock"


def _opened(path: str, journal: str, patience: float = _PATIENCE) -> sqlite3.Connection:
    os.stat(os.path.join(os.path.dirname(path), ""))  # an OSError says what is wrong with it
    try:
        return sqlite3.connect(
            path, timeout=patience, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise JournalError(
            f"the journal {escaped(journal, 1000)} cannot be locked: {error}: {escaped(path, 1000)}"
        ) from error


def _read(connection: sqlite3.Connection) -> Holder | None:
    with suppress(sqlite3.Error):
        row = connection.execute("SELECT process, host, since FROM holder").fetchone()
        if row is not None and isinstance(row[0], int) and isinstance(row[2], (int, float)):
            return Holder(row[0], escaped(str(row[1])), float(row[2]))
    return None


def _in_use(journal: str, holder: Holder) -> JournalInUseError:
    error = JournalInUseError(
        f"the journal {escaped(journal, 1000)} is in use by another driver: {holder}. Wait for its "
        "end, or give this run a journal of its own"
    )
    error.process, error.host, error.since = holder.process, holder.host, holder.since
    return error
