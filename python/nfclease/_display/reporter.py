"""Looks at transfers now and then, and calls with what it saw.

The side that waits looks at the transfers' counters, at most five times a second; nothing is called
per piece of data.
"""

from __future__ import annotations

import time

from nfclease._backends import callbacks
from nfclease._backends.base import INTERVAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nfclease.progress import TransferProgress
    from nfclease.transfer import Transfer

#: A wake-up may come this much before its time.
_EARLY = 0.01


class Reporter:
    """Looks at transfers and calls with how far each is."""

    def __init__(
        self, transfers: Sequence[Transfer], call: Callable[[TransferProgress], object]
    ) -> None:
        self._call = call
        #: When to look at each the next time; those that have ended are not looked at again.
        self._due = dict.fromkeys(transfers, 0.0)

    def update(self) -> None:
        """Calls for each transfer that has not ended, and once more for one that has."""
        for transfer, due in list(self._due.items()):
            now = time.monotonic()
            if now >= due or transfer.done():
                progress = transfer.progress
                if progress.done:
                    del self._due[transfer]
                else:
                    self._due[transfer] = now + INTERVAL - _EARLY
                self._call(progress)

    def close(self) -> None:
        """Ends what is shown."""


def report_in_background(transfer: Transfer, call: Callable[[TransferProgress], object]) -> None:
    """Calls while nobody waits for the transfer; an exception of the callable ends it."""
    report, tracked = Reporter([transfer], call), transfer._tracked

    def update() -> None:
        if tracked.broken is None:
            try:
                report.update()
            except BaseException as error:
                tracked.break_off(error)

    callbacks.caller.call(tracked.core, update, update)
