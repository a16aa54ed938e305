"""Rows of a journal: written within what SQLite takes, and checked when they are read."""

from __future__ import annotations

import json
import time

from nfclease.fleet._journal_file import damaged, stored
from nfclease.fleet.outcomes import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

__all__ = [
    "LEASES",
    "NOT_STARTED",
    "last_done",
    "leases_of",
    "outcome_of",
    "put",
    "put_lease",
    "put_outcome",
]

#: The largest number of SQLite; a server may say any.
_MOST = (1 << 63) - 1
#: Leases of a job that are kept: the last ones.
LEASES = 8
#: Columns of a job that waits for its first attempt of a run.
NOT_STARTED: dict[str, Any] = {
    "target": "",
    "worker": "",
    "attempts": 0,
    "bytes": 0,
    "seconds": 0.0,
    "verdict": "",
    "reason": "",
}


def put(connection: sqlite3.Connection, **values: Any) -> None:
    """Changes these columns of a job's row, or makes it with them."""
    values["changed"] = time.time()
    kept = ", ".join(f"{name} = excluded.{name}" for name in values if name != "key")
    connection.execute(
        f"INSERT INTO jobs ({', '.join(values)}) VALUES ({', '.join('?' * len(values))}) "
        f"ON CONFLICT (key) DO UPDATE SET {kept}",
        [_value(each) for each in values.values()],
    )


def put_outcome(connection: sqlite3.Connection, outcome: Outcome, text: str) -> None:
    """Adds an outcome, whose JSON is `text`, and closes its job."""
    failure = outcome.failure
    connection.execute(
        "INSERT INTO outcomes (key, state, at, outcome) VALUES (?, ?, ?, ?)",
        (stored(outcome.key), outcome.state, time.time(), text),
    )
    put(
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


def put_lease(connection: sqlite3.Connection, path: str, key: str, task: str) -> None:
    """Notes a lease of a job as its last one.

    Raises:
        JournalError: The row is damaged.
    """
    left = [each for each in leases_of(connection, path, key) if each != task]
    text = json.dumps([*left, task][-LEASES:])
    connection.execute("UPDATE jobs SET leases = ? WHERE key = ?", (stored(text), stored(key)))


def leases_of(connection: sqlite3.Connection, path: str, key: str) -> tuple[str, ...]:
    """The leases of a job, the oldest first.

    Raises:
        JournalError: The row is damaged.
    """
    row = connection.execute("SELECT leases FROM jobs WHERE key = ?", (stored(key),)).fetchone()
    if row is None or not row[0]:
        return ()
    try:
        found = json.loads(row[0])
    except (ValueError, TypeError) as error:
        raise damaged(path, f"a lease: {error!r}") from error
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise damaged(path, "a lease that is not text")
    return tuple(found[-LEASES:])


def last_done(connection: sqlite3.Connection, path: str, key: str) -> Outcome | None:
    """The last good outcome of a job that was not started again since.

    Raises:
        JournalError: Its row is damaged.
    """
    row = connection.execute(
        "SELECT outcome FROM outcomes WHERE key = :key AND state = 'done' AND NOT EXISTS"
        " (SELECT 1 FROM jobs WHERE key = :key AND open) ORDER BY number DESC LIMIT 1",
        {"key": stored(key)},
    ).fetchone()
    return None if row is None else outcome_of(path, row[0])


def outcome_of(path: str, text: str) -> Outcome:
    """What the row of an outcome says.

    Raises:
        JournalError: The row is damaged.
    """
    try:
        return Outcome.from_dict(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, f"an outcome: {error!r}") from error


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return stored(value)
    return max(-_MOST, min(value, _MOST)) if isinstance(value, int) else value
