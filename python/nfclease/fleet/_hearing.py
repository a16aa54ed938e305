"""How the driver gets what workers of other processes tell it."""

from __future__ import annotations

import threading
import time
from typing import ClassVar

from nfclease._log import logger
from nfclease._text import reason_of
from nfclease.fleet._place import read_file
from nfclease.fleet._telling import TOPIC, Told, path_of, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from queue import SimpleQueue
    from typing import Any

    from nfclease.fleet._place import RunPlace

#: Seconds between two looks at the files.
_LOOK = 0.2
#: Messages that may wait for the driver; those of Dask beyond them are dropped.
_MOST = 10_000


class Mail:
    """The files that workers of the driver's machine leave in its directory.

    Args:
        place: The run.
    """

    def __init__(self, place: RunPlace) -> None:
        self._place = place
        self._seen: dict[str, tuple[int, bytes]] = {}
        self._next = 0.0

    def collect(self, attempts: Mapping[str, int]) -> list[Told]:
        """New messages of running attempts, by their keys; a few times a second at most."""
        if time.monotonic() < self._next:
            return []
        self._next = time.monotonic() + _LOOK
        self._seen = {key: seen for key, seen in self._seen.items() if key in attempts}
        return [told for key, attempt in attempts.items() for told in self.of(key, attempt)]

    def of(self, key: str, attempt: int) -> list[Told]:
        """New messages of one attempt."""
        data = read_file(path_of(self._place, key, attempt))
        if not data or self._seen.get(key) == (attempt, data):
            return []
        self._seen[key] = attempt, data
        return [
            told
            for told in read(data, self._place.name)
            if (told.key, told.attempt) == (key, attempt)
        ]


class Events:
    """The events of Dask clusters. A client has one handler for a topic, so its runs share it."""

    _lock = threading.Lock()
    _inboxes: ClassVar[dict[str, tuple[Any, SimpleQueue[Any]]]] = {}

    @classmethod
    def subscribe(cls, client: Any, run: str, inbox: SimpleQueue[Any]) -> None:
        """Puts the messages of a run into an inbox from now on; a run goes on without them, too."""
        with cls._lock:
            is_new = all(other is not client for other, _ in cls._inboxes.values())
            cls._inboxes[run] = client, inbox
        try:
            if is_new:
                client.subscribe_topic(TOPIC, cls._take)
        except Exception as error:
            logger().info("Dask's events cannot be heard: %s", reason_of(error))

    @classmethod
    def unsubscribe(cls, run: str) -> None:
        """Puts no more of them there."""
        with cls._lock:
            client, _ = cls._inboxes.pop(run, (None, None))
            is_last = all(other is not client for other, _ in cls._inboxes.values())
        try:
            if client is not None and is_last:
                client.unsubscribe_topic(TOPIC)
        except Exception as error:  # the cluster may be gone
            logger().info("Dask's events are heard still: %s", reason_of(error))

    @classmethod
    def _take(cls, event: Any) -> None:
        """An event, which is a time and what a worker sent."""
        text = event[1] if isinstance(event, (tuple, list)) and len(event) == 2 else None
        with cls._lock:
            runs = list(cls._inboxes.items())
        for run, (_, inbox) in runs:
            for told in read(text, run):
                if inbox.qsize() < _MOST:
                    inbox.put(told)
