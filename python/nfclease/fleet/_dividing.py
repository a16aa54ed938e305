"""How the driver divides a run's bytes per second among the processes where its jobs are."""

from __future__ import annotations

import json
import time
from collections import Counter

from nfclease._log import logger
from nfclease._text import reason_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Seconds between two words to all processes.
_INTERVAL = 0.2
#: Seconds after which the last word is said again: a process may have missed it.
_AGAIN = 5.0
#: Seconds for which the place of a job that ended is kept for the next one of its process.
_KEPT = 2.0


class Division:
    """Who has how much. A share grows only when all that shrink have heard of it.

    Args:
        rate: Bytes per second, for all processes.
        say: Tells all processes what is in a text; returns what says whether they have heard it.
    """

    def __init__(self, rate: int, say: Callable[[str], Callable[[], bool]]) -> None:
        self._rate, self._say = rate, say
        self._version = 0
        #: What a process may move at most, by all that it has heard.
        self._shares: dict[str, int] = {}
        #: The shares that jobs took with them, until their processes are known.
        self._first: dict[str, int] = {}
        #: The process of each running job; None until it has told.
        self._jobs: dict[str, str | None] = {}
        self._kept: list[tuple[str, float]] = []
        #: What was said last, until all have heard it.
        self._word: dict[str, int] | None = None
        self._is_heard: Callable[[], bool] = lambda: True
        self._next = self._again = 0.0

    def start(self, keys: Sequence[str]) -> dict[str, int]:
        """The shares that jobs take with them. They have some before the first word alone."""
        free = self._rate - sum(self._shares.values()) - sum(self._first.values())
        each = max(free, 0) // max(len(keys), 1) if not self._version else 0
        given = dict.fromkeys(keys, each)
        self._jobs |= dict.fromkeys(keys)
        self._first |= given
        return given

    def began(self, key: str, process: str) -> None:
        """A job has told in which process it is."""
        if self._jobs.get(key, "") is not None:  # it is not running, or has told before
            return
        self._jobs[key] = process
        self._shares[process] = self._shares.get(process, 0) + self._first.pop(key, 0)
        kept = next((each for each in self._kept if each[0] == process), None)
        if kept is not None:
            self._kept.remove(kept)

    def end(self, key: str) -> None:
        """A job has ended; the next one of its process is expected soon."""
        self._first.pop(key, None)
        process = self._jobs.pop(key, None)
        if process is not None:
            self._kept.append((process, time.monotonic() + _KEPT))

    def renew(self) -> None:
        """Brings the shares nearer to what they should be; to be called again and again."""
        now = time.monotonic()
        if now < self._next or not self._is_settled():
            return
        wanted = self._wanted(now)
        if not wanted and not self._shares:
            return
        lowered = {name: min(has, wanted.get(name, 0)) for name, has in self._shares.items()}
        word = wanted if self._version and lowered == self._shares else lowered
        if not self._version or word != self._shares or now >= self._again:
            self._send(word, now)

    @property
    def is_unsettled(self) -> bool:
        """Whether it is still unknown where a job is, or whether all have heard the last word."""
        return self._word is not None or None in self._jobs.values()

    def _is_settled(self) -> bool:
        """Whether all have heard the last word; its shares count from then on."""
        if self._word is None:
            return True
        if not self._is_heard():
            return False
        self._shares = {name: share for name, share in self._word.items() if share}
        self._first.clear()
        self._word = None
        return True

    def _send(self, word: dict[str, int], now: float) -> None:
        self._next = now + _INTERVAL
        try:
            text = json.dumps({"version": self._version + 1, "shares": word})
            self._is_heard = self._say(text)
        except Exception as error:  # a full disk: all keep what they have
            logger().info("the shares of the rate cannot be told: %s", reason_of(error))
            return
        self._version += 1
        self._word, self._again = word, now + _AGAIN

    def _wanted(self, now: float) -> dict[str, int]:
        self._kept = [each for each in self._kept if each[1] > now]
        counts = Counter(process for process in self._jobs.values() if process is not None)
        counts.update(process for process, _ in self._kept)
        total = sum(counts.values())
        return {process: self._rate * count // total for process, count in counts.items()}
