"""What one process may move of a run's bytes per second."""

from __future__ import annotations

import json
import os
import threading
import uuid

from nfclease._rate import set_max_bytes_per_second
from nfclease.fleet._place import LONGEST, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.fleet._place import RunPlace

#: The least limit that a process can have.
LEAST = 1024
_MOST = 1 << 62


def path_of(place: RunPlace) -> str:
    """Where the driver writes the shares, on its own machine."""
    return os.path.join(place.directory, "shares")


class Share:
    """The limit of this process while jobs of a run with a limit are in it.

    A job comes with a share of its own, which lasts until the driver says how all is divided. Then
    only that counts; a process that hears nothing keeps what it has.

    Args:
        place: The run.
    """

    def __init__(self, place: RunPlace) -> None:
        #: Of this process, for the driver.
        self.name = uuid.uuid4().hex[:16]
        self._path = path_of(place)
        self._lock = threading.Lock()
        self._version = 0
        self._granted = 0
        self._first: dict[str, int] = {}
        self._is_set = False
        self._before: int | None = None

    def begin(self, key: str, first: int) -> None:
        """A job begins, with the share that came with it."""
        self.look()
        with self._lock:
            self._first[key] = 0 if self._version else first
            self._apply()

    def end(self, key: str) -> None:
        """It has ended."""
        with self._lock:
            if self._first.pop(key, None):
                self._apply()

    def look(self) -> None:
        """Hears of what the driver has written, where this is its machine."""
        text = read_file(self._path)
        if text:
            self.hear(text)

    def hear(self, text: str | bytes) -> None:
        """Takes the share that the driver gives this process; an older word changes nothing."""
        try:
            word = json.loads(text) if len(text) <= LONGEST else {}
            version, share = word["version"], word["shares"].get(self.name)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        if type(version) is not int or type(share) not in (int, type(None)):
            return
        with self._lock:
            if version <= self._version:
                return
            self._version = version
            self._first = dict.fromkeys(self._first, 0)
            if share is not None:
                self._granted = max(share, 0)
            self._apply()

    def leave(self) -> None:
        """Has the process's own limit back, unless jobs are still here."""
        with self._lock:
            if self._is_set and not self._first:
                set_max_bytes_per_second(self._before)
                self._is_set = False

    def _apply(self) -> None:
        if not self._first and not self._is_set:
            return
        limit = min(max(LEAST, self._granted + sum(self._first.values())), _MOST)
        before = set_max_bytes_per_second(limit)
        if not self._is_set:
            self._before, self._is_set = before, True
