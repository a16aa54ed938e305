"""What a worker tells the driver while its jobs run, wherever the worker is."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass

from nfclease.fleet._place import LONGEST, replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queue import SimpleQueue
    from typing import Any

    from nfclease.fleet._place import RunPlace

#: The kinds of messages, and what their values are.
KINDS: dict[str, type] = {"moved": int, "lease": str, "other_lease": str, "process": str}
#: The topic of Dask's events, one for all runs: a scheduler keeps its topics for good.
TOPIC = "nfclease-fleet"
_LONGEST_VALUE = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """One message.

    Attributes:
        key: The job's.
        attempt: Of the job, from 1.
        kind: One of `KINDS`.
        value: Of the kind's type.
    """

    key: str
    attempt: int
    kind: str
    value: int | str


class Outbox:
    """The messages of one process. The newest of each kind and job is kept until it is sent.

    Args:
        place: The run.
    """

    def __init__(self, place: RunPlace) -> None:
        self._place = place
        #: Of the driver, where it is this process.
        self.inbox: SimpleQueue[Any] | None = None
        #: Set when a message is not to wait.
        self.is_urgent = threading.Event()
        self._dask: Any = None
        self._lock = threading.Lock()
        self._attempts: dict[str, int] = {}
        self._values: dict[str, dict[str, int | str]] = {}
        self._changed: set[str] = set()

    def begin(self, key: str, attempt: int) -> None:
        """An attempt begins in this thread; only those that run tell anything."""
        worker = _dask_worker()
        with self._lock:
            self._dask = worker or self._dask
            self._attempts[key] = attempt

    def end(self, key: str) -> None:
        """It has ended."""
        with self._lock:
            attempt = self._attempts.pop(key, 0)
            self._changed.discard(key)
            is_written = self._values.pop(key, None) is not None and self._dask is None
        if is_written:
            with suppress(OSError):
                os.unlink(path_of(self._place, key, attempt))

    def tell(self, kind: str, key: str, value: int | str) -> None:
        """Leaves a message for the driver; does not wait for anything, and raises nothing."""
        with self._lock:
            attempt = self._attempts.get(key)
            if attempt is None or not _is_valid(kind, value):
                return
            if self.inbox is not None:
                self.inbox.put(Told(key, attempt, kind, value))
                return
            self._values.setdefault(key, {})[kind] = value
            self._changed.add(key)
        if kind != "moved":
            self.is_urgent.set()

    def post(self) -> None:
        """Sends what is new. What cannot be sent is tried again by the next call."""
        self.is_urgent.clear()
        with self._lock:
            messages = [
                (key, self._attempts[key], dict(self._values[key])) for key in self._changed
            ]
            self._changed.clear()
        for key, attempt, values in messages:
            message = {"run": self._place.name, "key": key, "attempt": attempt, "told": values}
            text = json.dumps(message)
            try:
                if len(text) <= LONGEST:
                    self._send(text, key, attempt)
            except Exception:  # a full disk, a scheduler that is away
                with self._lock:
                    if self._attempts.get(key) == attempt:
                        self._changed.add(key)

    def _send(self, text: str, key: str, attempt: int) -> None:
        if self._dask is not None:
            self._dask.log_event(TOPIC, text)
        elif os.path.isdir(self._place.directory):
            path = path_of(self._place, key, attempt)
            replace_file(path, text)
            if self._attempts.get(key) != attempt:  # it has ended meanwhile
                os.unlink(path)


def path_of(place: RunPlace, key: str, attempt: int) -> str:
    """Where an attempt leaves its messages on the driver's machine."""
    name = f"{attempt} {key}".encode("utf-8", "surrogatepass")
    return os.path.join(place.directory, f"told-{hashlib.sha256(name).hexdigest()[:32]}")


def read(text: object, run: str) -> list[Told]:
    """The messages in a text that was received; none if it is not of this run."""
    try:
        if not isinstance(text, (str, bytes)) or len(text) > LONGEST:
            return []
        message = json.loads(text)
        key, attempt, told = message["key"], message["attempt"], message["told"]
        if message["run"] != run or type(key) is not str or type(attempt) is not int:
            return []
        return [
            Told(key, attempt, kind, value)
            for kind, value in told.items()
            if _is_valid(kind, value)
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _is_valid(kind: str, value: object) -> bool:
    if type(value) is not KINDS.get(kind):
        return False
    if isinstance(value, int):
        return 0 <= value < 1 << 63
    return isinstance(value, str) and len(value) <= _LONGEST_VALUE and value.isprintable()


def _dask_worker() -> Any:
    """The Dask worker whose task this thread runs; None anywhere else."""
    distributed = sys.modules.get("distributed")
    try:
        return distributed.get_worker() if distributed is not None else None
    except Exception:  # it is loaded, and this is not one of its tasks
        return None
