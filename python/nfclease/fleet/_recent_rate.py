"""How fast bytes moved during the last minute."""

from __future__ import annotations

from collections import deque

__all__ = ["STEP", "RecentRate"]

#: Seconds over which a rate is taken.
_WINDOW = 60.0
#: Seconds between two of its samples.
STEP = 1.0


class RecentRate:
    """Bytes per second over the last minute."""

    def __init__(self) -> None:
        self._moved = 0
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, at: float, count: int) -> None:
        """So many more bytes have moved by then."""
        self._moved += count
        if not self._samples or at - self._samples[-1][0] >= STEP:
            self._samples.append((at, self._moved))
        while at - self._samples[0][0] > _WINDOW:
            self._samples.popleft()

    def at(self, now: float) -> float:
        """The rate; 0 where nothing has moved for a minute."""
        first = next((each for each in self._samples if now - each[0] <= _WINDOW), None)
        if first is None or now <= first[0]:
            return 0.0
        return (self._moved - first[1]) / (now - first[0])
