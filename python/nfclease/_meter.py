"""How fast a transfer goes, by looks at its counter."""

from __future__ import annotations

import time

#: Seconds that a rate is taken over at least.
_SHORTEST = 0.05
#: How much of an old rate is left after so many seconds.
_LEFT, _AFTER = 0.7, 0.2


class Meter:
    """A smoothed rate, however often and by however many it is looked at."""

    def __init__(self) -> None:
        #: When its turn came: a rate at the end is over the time from there.
        self._begun = time.monotonic()
        #: The look that the rate is up to: when, bytes, rate.
        self._last = (self._begun, 0, 0.0)
        #: The rate over the whole time, which does not change any more.
        self._final: float | None = None

    def rate(self, bytes_done: int, *, waits: bool, done: bool) -> float:
        """Bytes per second at this look."""
        if self._final is not None:
            return self._final
        now = time.monotonic()
        if waits:
            self._begun = now
        then, before, rate = self._last
        if now - then >= _SHORTEST:
            newest = max(0, bytes_done - before) / (now - then)
            left = _LEFT ** ((now - then) / _AFTER) if rate else 0.0
            rate = left * rate + (1 - left) * newest
            self._last = (now, bytes_done, rate)
        if done:
            rate = self._final = bytes_done / max(now - self._begun, _SHORTEST)
        return rate
