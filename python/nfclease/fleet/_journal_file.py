"""The database of a journal: how it is made and opened, and its errors in words."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from nfclease._text import escaped
from nfclease.exceptions import JournalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["damaged", "make", "opened", "plain", "sentence", "stored", "told"]

#: "nfcl": how a journal is told from other databases of SQLite.
_APPLICATION = 0x6E66636C
#: Of the schema. A newer one is refused: what this version would write there may be wrong.
_VERSION = 2
#: What makes a journal of a version one of the next.
_STEPS = {1: "ALTER TABLE jobs ADD COLUMN leases NOT NULL DEFAULT ''"}
#: Seconds to wait for who reads or writes at the moment.
_PATIENCE = 10.0

_SCHEMA = f"""
CREATE TABLE jobs (
    key NOT NULL PRIMARY KEY,
    kind NOT NULL DEFAULT '',
    vm NOT NULL DEFAULT '',
    host NOT NULL DEFAULT '',
    disks NOT NULL DEFAULT 0,
    total NOT NULL DEFAULT 0,
    settings NOT NULL DEFAULT '',
    state NOT NULL,
    target NOT NULL DEFAULT '',
    worker NOT NULL DEFAULT '',
    attempts NOT NULL DEFAULT 0,
    changed NOT NULL,
    bytes NOT NULL DEFAULT 0,
    seconds NOT NULL DEFAULT 0.0,
    verdict NOT NULL DEFAULT '',
    reason NOT NULL DEFAULT '',
    open NOT NULL DEFAULT 0,  -- a start without an end: 1 of this driver, 2 of one that died
    leases NOT NULL DEFAULT ''  -- the tasks of leases that a worker may have left, a JSON list
) WITHOUT ROWID;
CREATE TABLE outcomes (
    number INTEGER PRIMARY KEY, key NOT NULL, state NOT NULL, at NOT NULL, outcome NOT NULL
);
CREATE INDEX outcomes_by_key ON outcomes (key, state, number);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""

#: By what SQLite says: what to do. Python 3.10 has no error numbers of SQLite.
_ADVICE = {
    "full": "Make room on its file system, then start again: what is in the journal is kept",
    "I/O": "Its file system failed, or has no room, or is not a local one: look there, start again",
    "malformed": "It is damaged: move it away and start without it, or bring back a copy",
    "not a database": "It is another file: give the journal another name",
    "locking": "Its file system has no locks that work: put it on a local one",
    "locked": "Another program keeps it from being written; or its file system has no locks: then "
    "put it on a local one",
    "readonly": "This user may not write it",
    "unable to open": "Look whether this user may read and write it and its directory",
}


def make(path: str) -> None:
    """Makes an empty journal if the file does not exist; it has its name when it is whole."""
    if os.path.lexists(path):
        return
    new = f"{path}.new"
    with told(path):
        for left in (new, f"{new}-journal"):
            with suppress(FileNotFoundError):
                os.unlink(left)
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
    os.replace(new, path)
    _sync_directory(path)


def opened(path: str, *, writes: bool) -> sqlite3.Connection:
    """A connection to a journal that was checked.

    Args:
        path: The journal.
        writes: For its one driver, who looks at all of it first; else for anybody, also while a
            driver writes.

    Raises:
        JournalError: It is damaged, of a newer version, or another file.
        FileNotFoundError: The journal does not exist.
    """
    os.stat(path)
    with told(path):
        # Not made here. A reader may have to write: it takes back what a dead driver had begun.
        connection = sqlite3.connect(
            f"{Path(path).as_uri()}?mode=rw",
            uri=True,
            timeout=_PATIENCE,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _check(connection, path)
            if writes:
                _check_all(connection, path)
                _bring_up(connection)
                connection.execute("PRAGMA journal_mode = WAL")
            else:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def _check(connection: sqlite3.Connection, path: str) -> None:
    [(application,)] = connection.execute("PRAGMA application_id")
    [(version,)] = connection.execute("PRAGMA user_version")
    if application != _APPLICATION:
        raise JournalError(sentence(path, "is not a database of nfclease"))
    if version != _VERSION and version not in _STEPS:
        raise JournalError(
            f"the journal {escaped(path, 1000)} has version {version}, and this nfclease knows "
            f"version {_VERSION}: update nfclease, or give the journal another name"
        )


def _bring_up(connection: sqlite3.Connection) -> None:
    """A journal of an older version becomes one of this, at once or not at all."""
    [(version,)] = connection.execute("PRAGMA user_version")
    if version == _VERSION:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for each in range(version, _VERSION):
            connection.execute(_STEPS[each])
        connection.execute(f"PRAGMA user_version = {_VERSION}")


def _check_all(connection: sqlite3.Connection, path: str) -> None:
    [(said,)] = connection.execute("PRAGMA quick_check(1)")
    if said != "ok":
        raise damaged(path, str(said))


@contextmanager
def told(path: str) -> Iterator[None]:
    """An error of SQLite becomes one that says which file it is about, and what to do.

    Raises:
        JournalError: In its place.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(sentence(path, f"cannot be used: {error}")) from error


def damaged(path: str, what: str) -> JournalError:
    """What a row says that nfclease did not write."""
    return JournalError(sentence(path, "is malformed", what))


def sentence(path: str, what: str, more: str = "") -> str:
    """What is wrong with a journal, and what to do."""
    advice = next((text for word, text in _ADVICE.items() if word in what), "Look at that file")
    detail = f" ({escaped(more)})" if more else ""
    return f"the journal {escaped(path, 1000)} {what}{detail}. {advice}"


def stored(text: str) -> str | bytes:
    """As SQLite takes it: paths may hold what is not UTF-8, which Python keeps in surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def plain(value: object) -> str:
    """What `stored` was given."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else str(value)


def _sync_directory(path: str) -> None:
    """Its name outlives a loss of power; where a directory cannot be opened it is not needed."""
    with suppress(OSError):
        opened = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
