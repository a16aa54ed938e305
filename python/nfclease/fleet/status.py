"""The state of a run, read by another process while it goes on, or after it."""

from __future__ import annotations

import os
from contextlib import closing

from nfclease.fleet._journal_file import opened, plain, told
from nfclease.fleet._journal_lock import holder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from nfclease.fleet._journal_lock import Holder

__all__ = ["read_driver", "read_status"]

_COLUMNS = (
    "key, kind, vm, host, state, target, worker, disks, total, bytes, seconds, attempts, changed, "
    "verdict, reason"
)
#: Those that hold numbers.
_NUMBERS = ("disks", "total", "bytes", "seconds", "attempts", "changed")


def read_status(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """A row for each job of a journal, whether a driver writes it or not.

    Args:
        path: The journal.

    Yields:
        A dict, sorted by ``key``, the job's name over runs:

        - ``kind``, ``vm``, ``host``, ``target``, ``worker``: strings, empty where unknown.
        - ``state``: ``planned``, ``running``, ``done``, ``skipped``, ``failed``, ``cancelled``; or
          ``interrupted`` where it was started, has not ended, and its driver runs no more.
        - ``disks``, ``total`` (bytes at most, 0 where unknown), ``bytes`` and ``seconds`` (of a job
          that ended), ``attempts``: numbers.
        - ``changed``: when the state was last changed, in seconds since 1970.
        - ``verdict``, ``reason``: as in ``Failure`` if it failed, else empty.

    Raises:
        FileNotFoundError: The journal does not exist.
        JournalError: It cannot be read: it is damaged, of a newer nfclease, or another file.

    Examples:
        >>> from nfclease.fleet import Journal, read_status
        >>> with Journal("monthly.db") as journal:
        ...     journal.start("export web", attempt=1, target="web.ova", worker="here")
        ...     print(*(job["state"] for job in read_status("monthly.db")))
        running
        >>> print(*(job["state"] for job in read_status("monthly.db")))
        interrupted
    """
    place = _place(path)
    runs = holder_of(place) is not None  # and after it: it may begin or end meanwhile
    with closing(opened(place, writes=False)) as connection, told(place):
        # At once: a reader that takes its time would keep the log from being cleared.
        rows = connection.execute(f"SELECT {_COLUMNS} FROM jobs ORDER BY key").fetchall()
    runs = runs or holder_of(place) is not None
    names = _COLUMNS.split(", ")
    for row in rows:
        shown = {
            name: value if name in _NUMBERS else plain(value)
            for name, value in zip(names, row, strict=True)
        }
        if shown["state"] == "running" and not runs:
            shown["state"] = "interrupted"
        yield shown


def read_driver(path: str | os.PathLike[str]) -> Holder | None:
    """Which process has a journal open to write it, or None."""
    return holder_of(_place(path))


def _place(path: str | os.PathLike[str]) -> str:
    return os.path.realpath(os.fsdecode(os.fspath(path)))
