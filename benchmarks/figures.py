"""What the times of a run come to: how much went on at once, how late a call was, and ideals."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise

#: From when to when something went on.
Span = tuple[float, float]


def most_at_once(spans: Iterable[Span]) -> int:
    """How many went on at one moment, at most; what ends when another begins is not beside it."""
    changes = [change for begin, end in spans for change in ((begin, 1), (end, -1))]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def latest(renewals: Iterable[Sequence[float]], interval: float) -> float:
    """By how many seconds a renewal was later than the interval after what was before it.

    Args:
        renewals: The times of each lease, in order: its first byte, its renewals, its end.
        interval: Seconds after which a renewal is to come.
    """
    return max(after - before for each in renewals for before, after in pairwise(each)) - interval


def ideal(seconds: Iterable[float], lanes: int) -> float:
    """How long jobs take on so many lanes, without a gap between two: the longest come first."""
    ends = [0.0] * lanes
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much the second number grows with the first: the line of least squares."""
    middle = sum(x for x, _ in points) / len(points)
    above = sum((x - middle) * y for x, y in points)
    return above / sum((x - middle) ** 2 for x, _ in points)
