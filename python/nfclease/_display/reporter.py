"""Looks at transfers now and then, and calls with what it saw.

The side that waits looks at the transfers' counters, at most five times a second; nothing is called
per piece of data.
"""

from __future__ import annotations

import time

from nfclease._backends import callbacks
from nfclease._backends.base import INTERVAL
from nfclease.progress import ProgressSnapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nfclease.transfer import Transfer

#: A wake-up may come this much before its time.
_EARLY = 0.01
#: Seconds that a rate is taken over at least.
_SHORTEST = 0.05
#: How much of the newest rate goes into the one that is shown.
_SMOOTHING = 0.3


class Reporter:
    """Looks at transfers and calls with how far each is."""

    def __init__(
        self,
        transfers: Sequence[Transfer],
        disk_capacity: int,
        call: Callable[[ProgressSnapshot], object],
    ) -> None:
        self._disk_capacity = disk_capacity
        self._transfers = list(transfers)
        self._call = call
        self._observed = {id(transfer): (time.monotonic(), 0, 0.0) for transfer in transfers}
        self._begun = {key: now for key, (now, _, _) in self._observed.items()}
        self._next = dict.fromkeys(self._observed, 0.0)
        self._ended: set[int] = set()

    def update(self) -> None:
        """Calls for each transfer that has not ended, and once more for one that has."""
        for transfer in self._transfers:
            now, due = time.monotonic(), self._next[id(transfer)]
            if id(transfer) not in self._ended and (now >= due or transfer.done()):
                self._next[id(transfer)] = now + INTERVAL - _EARLY
                self._call(self._snapshot(transfer))

    def close(self) -> None:
        """Ends what is shown."""

    def _snapshot(self, transfer: Transfer) -> ProgressSnapshot:
        done = transfer.done()
        if done:
            self._ended.add(id(transfer))
        progress = transfer.progress
        now = time.monotonic()
        then, before, rate = self._observed[id(transfer)]
        if now - then >= _SHORTEST:
            newest = max(0, progress.bytes_done - before) / (now - then)
            rate = newest if rate == 0 else _SMOOTHING * newest + (1 - _SMOOTHING) * rate
            self._observed[id(transfer)] = (now, progress.bytes_done, rate)
        if progress.attempts == 0:  # it waits for its turn
            self._begun[id(transfer)] = now
        if done:
            rate = progress.bytes_done / max(now - self._begun[id(transfer)], _SHORTEST)
        left = None
        if progress.bytes_total is not None and rate > 0:
            left = max(0, progress.bytes_total - progress.bytes_done) / rate
        return ProgressSnapshot(
            transfer.name,
            transfer.key,
            progress.bytes_done,
            progress.bytes_total,
            rate,
            left,
            progress.attempts,
            done,
            self._disk_capacity or None if progress.bytes_total is None else None,
            transfer._tracked.core.failed(),
        )


def report_in_background(
    transfer: Transfer, call: Callable[[ProgressSnapshot], object], disk_capacity: int
) -> None:
    """Calls while nobody waits for the transfer; an exception of the callable ends it."""
    report, tracked = Reporter([transfer], disk_capacity, call), transfer._tracked

    def update() -> None:
        if tracked.broken is None:
            try:
                report.update()
            except BaseException as error:
                tracked.break_off(error)

    callbacks.caller.call(tracked.core, update, update)
