"""A journal's rows as the tests make them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nfclease.fleet import Failure, Journal, Outcome, WrittenFile, read_status


def planned(journal: Journal, key: str, **changed: Any) -> None:
    """Plans a job with as little as will do."""
    given = {"kind": "export", "vm": key, "host": "esx1", "disks": 1, "bytes": 10, "settings": "{}"}
    journal.plan(key, **{**given, **changed})


def started(journal: Journal, key: str, attempt: int = 1, target: str = "/backup/a.ova") -> None:
    journal.start(key, attempt=attempt, target=target, worker="here")


def outcome(key: str, state: Any = "done", **changed: Any) -> Outcome:
    """Of an export; of one that failed with a failure."""
    failure = Failure("again", "the host went away", "ConnectError") if state == "failed" else None
    given = {"kind": "export", "vm": key, "target": f"/backup/{key}.ova", "failure": failure}
    return Outcome(key=key, state=state, **{**given, **changed})


def written(path: Path, checksum_type: str = "", checksum: str = "") -> WrittenFile:
    """A file as it is now."""
    found = os.stat(path)
    return WrittenFile(str(path), found.st_size, found.st_mtime_ns, checksum_type, checksum)


def states(path: Path) -> dict[str, str]:
    """The state of each job, as another process would read it."""
    return {row["key"]: row["state"] for row in read_status(path)}
