"""The journal of a fleet: what was planned, started and ended, so that a second run goes on."""

from __future__ import annotations

import json

from nfclease.exceptions import JournalError, JournalInUseError
from nfclease.fleet._journal_access import Access
from nfclease.fleet._journal_file import plain
from nfclease.fleet._journal_rows import (
    NOT_STARTED,
    last_done,
    leases_of,
    outcome_of,
    put,
    put_lease,
    put_outcome,
)
from nfclease.fleet._written import is_there

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from typing_extensions import Self

    from nfclease.fleet.outcomes import Outcome

__all__ = ["Journal", "JournalError", "JournalInUseError"]

#: Outcomes that are read at once.
_PAGE = 500


class Journal:
    """An SQLite database that one driver writes, and others may read meanwhile.

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
        self._access = Access(path)
        try:
            with self._access.changing(lasting=True) as connection:
                connection.execute("UPDATE jobs SET open = 2, state = 'interrupted' WHERE open = 1")
        except BaseException:
            self.close()
            raise

    @property
    def path(self) -> str:
        """Where it is, absolute."""
        return self._access.path

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
        with self._access.changing() as connection:
            put(
                connection,
                key=key,
                state="planned",
                kind=kind,
                vm=vm,
                host=host,
                disks=disks,
                total=bytes,
                settings=settings,
                **NOT_STARTED,
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
        with self._access.changing() as connection:
            put(
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
        """Notes the server's task of a lease that an attempt has opened; a copy has two.

        It is kept over later attempts and runs until the job is done: a VM that this very task
        still holds by then is held by a lease that a dead worker left.

        Args:
            key: The job, which was started.
            task: Which one, as the worker told it.

        Raises:
            JournalError: It cannot be written, and is as it was; or its row is damaged.
        """
        with self._access.changing() as connection:
            put_lease(connection, self.path, key, task)

    def leases(self, key: str) -> tuple[str, ...]:
        """The tasks of the leases that a job may have left, the oldest first.

        Args:
            key: The job.

        Returns:
            The tasks that `note_lease` was given since the job was last done.

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
        with self._access.reading() as connection:
            return leases_of(connection, self.path, key)

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
        with self._access.changing(lasting=True) as connection:
            put_outcome(connection, outcome, text)

    def done(self, key: str, *, verify: bool = False) -> Outcome | None:
        """The last good outcome of a job, if all files that it wrote are as they were.

        A job that was started and has not ended since is never done, whatever its files look like.
        A job that wrote no local file stays done: only the server knows whether its VM still
        exists.

        Args:
            key: The job.
            verify: Whether to read the files and compare their digests, too, and not just sizes and
                times. Of an ``.ova`` or ``.ovf`` whose digest is not in the journal,
                `nfclease.verify` says whether it is whole; any other file without one is not done.

        Returns:
            The outcome, or None if the job has to be done again.

        Raises:
            JournalError: It cannot be read.
        """
        with self._access.reading() as connection:
            outcome = last_done(connection, self.path, key)
        is_still = outcome is not None and is_there(outcome.files, verify=verify)
        return outcome if is_still else None

    def interrupted(self) -> list[str]:
        """The jobs that a driver before this one had started, when it or its machine died.

        A job is on the list until it is started again. Their targets may be half written, and a
        lease of theirs may hold the VM; `leases` says which.

        Returns:
            Their keys, in order.

        Raises:
            JournalError: It cannot be read.
        """
        with self._access.reading() as connection:
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
            with self._access.reading() as connection:
                rows = connection.execute(
                    "SELECT number, outcome FROM outcomes WHERE number > ? ORDER BY number LIMIT ?",
                    (last, _PAGE),
                ).fetchall()
            for _, text in rows:
                yield outcome_of(self.path, text)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    def close(self) -> None:
        """Lets another driver have it; the second call does nothing.

        If nobody reads it at that moment, it is one file afterwards.
        """
        self._access.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
