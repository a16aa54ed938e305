"""The journal of a fleet: what was planned, started and ended, so that a second run goes on."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress

from nfclease.exceptions import JournalError, JournalInUseError
from nfclease.fleet._journal_file import damaged, make, opened, plain, stored, told
from nfclease.fleet._journal_lock import JournalLock
from nfclease.fleet._written import is_there
from nfclease.fleet.outcomes import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from typing_extensions import Self

__all__ = ["Journal", "JournalError", "JournalInUseError"]

#: The largest number of SQLite; a server may say any.
_MOST = (1 << 63) - 1
#: Outcomes that are read at once.
_PAGE = 500
#: Leases of a job that are kept: the last ones.
LEASES = 8


class Journal:
    """An SQLite database that one driver writes, and anybody reads meanwhile.

    Each call is one transaction: after ``kill -9`` all of it is there or nothing, and an ``end``
    outlives a loss of power. Several threads may call it. It belongs on a local file system, for
    SQLite's write-ahead log works among processes of one machine alone.

    Args:
        path: The file, which is made if it does not exist. Beside it are ``.lock``, which stays,
            and while it is open ``-wal`` and ``-shm``, which are parts of it.

    Raises:
        JournalInUseError: Another driver has it open; the message names its process and machine.
        JournalError: It is damaged, of a newer nfclease, another file, or cannot be locked.
        OSError: The directory does not exist, or cannot be written.

    Examples:
        >>> from nfclease.fleet import Journal, Outcome
        >>> with Journal("weekly.db") as journal:
        ...     journal.start("export web", attempt=1, target="web.ova", worker="here")
        ...     journal.end(Outcome("export web", "export", "web", "web.ova", "done"))
        ...     [each.state for each in journal.outcomes()]
        ['done']
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.realpath(os.fsdecode(os.fspath(path)))
        self._mutex = threading.RLock()
        self._process = os.getpid()
        if os.path.lexists(self._path):  # beside another file no lock is left
            opened(self._path, writes=False).close()
        self._lock = JournalLock(self._path)
        try:
            make(self._path)
            self._connection: sqlite3.Connection | None = opened(self._path, writes=True)
        except BaseException:
            self._lock.release()
            raise
        try:
            with self._changing(lasting=True) as connection:
                connection.execute("UPDATE jobs SET open = 2, state = 'interrupted' WHERE open = 1")
        except BaseException:
            self.close()
            raise

    @property
    def path(self) -> str:
        """Where it is, absolute."""
        return self._path

    def plan(
        self, key: str, *, kind: str, vm: str, host: str, disks: int, bytes: int, settings: str
    ) -> None:
        """Notes a job that waits for its turn; what is known of earlier runs is kept.

        Args:
            key: The job's name over runs, ``job.key``.
            kind: ``export``, ``import`` or ``copy``.
            vm: The VM, for people.
            host: Where it is now; empty where unknown.
            disks: How many it has.
            bytes: How many at most; 0 where unknown.
            settings: The job as JSON, without secrets.

        Raises:
            JournalError: It cannot be written, and is as it was.
        """
        with self._changing() as connection:
            _put(
                connection,
                key=key,
                state="planned",
                kind=kind,
                vm=vm,
                host=host,
                disks=disks,
                total=bytes,
                settings=settings,
                target="",
                worker="",
                attempts=0,
                bytes=0,
                seconds=0.0,
                verdict="",
                reason="",
            )

    def start(self, key: str, *, attempt: int, target: str, worker: str) -> None:
        """Notes that a target is written from now on: it is not done before `end` says so.

        Args:
            key: The job.
            attempt: Which one of this run, from 1.
            target: Where it goes, with dates filled in.
            worker: Who does it, for people.

        Raises:
            JournalError: It cannot be written, and is as it was: do not start the job.
        """
        with self._changing() as connection:
            _put(
                connection,
                key=key,
                state="running",
                target=target,
                worker=worker,
                attempts=attempt,
                verdict="",
                reason="",
                open=1,
            )

    def note_lease(self, key: str, task: str) -> None:
        """Notes the server's task of a lease that an attempt has opened; of a copy there are two.

        It is kept over later attempts and runs until the job is done: a VM that this very task
        still holds by then is held by a lease that a dead worker left.

        Args:
            key: The job, which was started.
            task: Which one, as the worker told it.

        Raises:
            JournalError: It cannot be written, and is as it was; or its row is damaged.
        """
        with self._changing() as connection:
            left = [each for each in self._leases(connection, key) if each != task]
            text = json.dumps([*left, task][-LEASES:])
            connection.execute(
                "UPDATE jobs SET leases = ? WHERE key = ?", (stored(text), stored(key))
            )

    def leases(self, key: str) -> tuple[str, ...]:
        """The tasks of the leases that a job may have left, the oldest first.

        Args:
            key: The job.

        Returns:
            What `note_lease` was given since the job was last done; empty where that is nothing.

        Raises:
            JournalError: It cannot be read.

        Examples:
            >>> from nfclease.fleet import Journal
            >>> with Journal("leases.db") as journal:
            ...     journal.start("export web", attempt=1, target="web.ova", worker="here")
            ...     journal.note_lease("export web", "task-12")
            >>> with Journal("leases.db") as journal:
            ...     journal.interrupted(), journal.leases("export web")
            (['export web'], ('task-12',))
        """
        with self._reading() as connection:
            return self._leases(connection, key)

    def end(self, outcome: Outcome) -> None:
        """Notes how a job ended, for good.

        Args:
            outcome: All of it.

        Raises:
            JournalError: It cannot be written, and is as it was: the job is still open, and a
                later run does it again.
            ValueError: A number of it is infinite.
        """
        text = json.dumps(outcome.to_dict(), allow_nan=False)
        failure = outcome.failure
        with self._changing(lasting=True) as connection:
            connection.execute(
                "INSERT INTO outcomes (key, state, at, outcome) VALUES (?, ?, ?, ?)",
                (stored(outcome.key), outcome.state, time.time(), text),
            )
            _put(
                connection,
                key=outcome.key,
                state=outcome.state,
                kind=outcome.kind,
                vm=outcome.vm,
                target=outcome.target,
                attempts=outcome.attempts,
                bytes=outcome.bytes,
                seconds=outcome.seconds,
                verdict="" if failure is None else failure.verdict,
                reason="" if failure is None else failure.reason,
                open=0,
                **({"leases": ""} if outcome.state == "done" else {}),
            )

    def done(self, key: str, *, verify: bool = False) -> Outcome | None:
        """The last good outcome of a job, if all files that it wrote are as they were.

        None of a job that was started and has not ended since, whatever its files look like. Of a
        job that wrote no local file nothing is looked at: whether its VM is still there only the
        server knows.

        Args:
            key: The job.
            verify: Whether to read the files and compare their digests, too, and not just sizes and
                times. Of an ``.ova`` or ``.ovf`` whose digest is not in the journal,
                `nfclease.verify` says whether it is whole; any other file without is not proved.

        Returns:
            The outcome, or None where the job has to be done again.

        Raises:
            JournalError: It cannot be read.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT outcome FROM outcomes WHERE key = :key AND state = 'done' AND NOT EXISTS"
                " (SELECT 1 FROM jobs WHERE key = :key AND open) ORDER BY number DESC LIMIT 1",
                {"key": stored(key)},
            ).fetchone()
        if row is None:
            return None
        outcome = self._outcome(row[0])
        return outcome if is_there(outcome.files, verify=verify) else None

    def interrupted(self) -> list[str]:
        """The jobs that a driver before this one had started, when it or its machine died.

        A job is on the list until it is started again. Their targets may be half written, and a
        lease of theirs may hold the VM; `leases` says which.

        Returns:
            Their keys, in order.

        Raises:
            JournalError: It cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute("SELECT key FROM jobs WHERE open = 2 ORDER BY key").fetchall()
        return [plain(key) for (key,) in rows]

    def outcomes(self) -> Iterator[Outcome]:
        """All that ever ended, the oldest first.

        Yields:
            How each job ended, of all runs.

        Raises:
            JournalError: It cannot be read.
        """
        last = 0
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    "SELECT number, outcome FROM outcomes WHERE number > ? ORDER BY number LIMIT ?",
                    (last, _PAGE),
                ).fetchall()
            for _, text in rows:
                yield self._outcome(text)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    def close(self) -> None:
        """Lets another driver have it; the second call does nothing.

        Where nobody reads it at the moment, all of it is in one file from then on.
        """
        with self._mutex:
            connection, self._connection = self._connection, None
            if connection is None or self._process != os.getpid():
                return
            with suppress(sqlite3.Error):  # a reader is there, or no room: the log is kept, then
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("PRAGMA journal_mode = DELETE")
            connection.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._mutex, told(self._path):
            if self._connection is None:
                raise JournalError(f"the journal {self._path} is closed")
            if self._process != os.getpid():
                raise JournalError(
                    f"the journal {self._path} was opened by process {self._process}, and belongs "
                    "to it alone: let that process call it"
                )
            yield self._connection

    @contextmanager
    def _changing(self, *, lasting: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction; a lasting one is on the disk at its end, and all before it."""
        with self._reading() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.rollback()
                raise

    def _leases(self, connection: sqlite3.Connection, key: str) -> tuple[str, ...]:
        row = connection.execute("SELECT leases FROM jobs WHERE key = ?", (stored(key),)).fetchone()
        if row is None or not row[0]:
            return ()
        try:
            found = json.loads(row[0])
        except (ValueError, TypeError) as error:
            raise damaged(self._path, f"a lease: {error!r}") from error
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise damaged(self._path, "a lease that is not text")
        return tuple(found[-LEASES:])

    def _outcome(self, text: str) -> Outcome:
        try:
            return Outcome.from_dict(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(self._path, f"an outcome: {error!r}") from error


def _put(connection: sqlite3.Connection, **values: Any) -> None:
    """Changes these columns of a job's row, or makes it with them."""
    values["changed"] = time.time()
    kept = ", ".join(f"{name} = excluded.{name}" for name in values if name != "key")
    connection.execute(
        f"INSERT INTO jobs ({', '.join(values)}) VALUES ({', '.join('?' * len(values))}) "
        f"ON CONFLICT (key) DO UPDATE SET {kept}",
        [_value(each) for each in values.values()],
    )


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return stored(value)
    return max(-_MOST, min(value, _MOST)) if isinstance(value, int) else value
