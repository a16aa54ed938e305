"""Progress that people can see: bars, a notebook's table, lines in a log, or a callable's own.

The side that waits looks at the transfers' counters, at most five times a second; nothing is called
per piece of data.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from nfclease._backends.base import INTERVAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nfclease.transfer import Transfer

__all__ = ["ProgressSnapshot"]

#: A wake-up may come this much before its time.
_EARLY = 0.01
#: Seconds that a rate is taken over at least.
_SHORTEST = 0.05
#: How much of the newest rate goes into the one that is shown.
_SMOOTHING = 0.3


class ProgressSnapshot(NamedTuple):
    """How far one transfer is, as a ``progress`` callable gets it.

    Attributes:
        name: As ``Transfer.name``.
        key: ``DeviceUrl.key`` of the device.
        bytes_done: Bytes moved in the current attempt.
        bytes_total: Bytes in all, or None while the size is unknown, as it is for an exported
            disk until its end.
        rate: Bytes per second, smoothed; at the end, over the whole time.
        seconds_left: None while the size is unknown or nothing moves.
        attempts: Attempts started.
        done: Whether it has ended, well or not.
        disk_capacity: Bytes that all disks of the lease can hold (``totalDiskCapacityInKB``),
            while ``bytes_total`` is None; no size, for what is sent is smaller. None where the
            size is known or the server does not say.
        failed: Whether it has ended, and not well.

    Examples:
        >>> seen = []
        >>> result = lease.download(device_url, directory / "disk", progress=seen.append)
        >>> (seen[-1].done, seen[-1].bytes_done == result.bytes)
        (True, True)
    """

    name: str
    key: str
    bytes_done: int
    bytes_total: int | None
    rate: float
    seconds_left: float | None
    attempts: int
    done: bool
    disk_capacity: int | None
    failed: bool


if TYPE_CHECKING:
    #: True for bars, a callable for one's own, None for nothing.
    Told: TypeAlias = Callable[[ProgressSnapshot], object] | None
    ProgressOption: TypeAlias = bool | Told


def checked_callable(progress: Told) -> Told:
    """Refuses what cannot be told of a transfer in the background.

    Raises:
        TypeError: It is no callable that takes one argument.
    """
    if isinstance(progress, bool):
        raise TypeError(
            "a bar belongs to a call that waits: use download, upload or download_all, "
            "or pass a callable as progress"
        )
    checked(progress)
    return progress


def checked(progress: ProgressOption) -> ProgressOption:
    """Refuses what cannot show progress, before anything is asked of a server.

    Raises:
        TypeError: It is no bool and no callable that takes one argument.
        ImportError: It is True and rich is not installed.
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        from nfclease._display.reporters import check_bars

        check_bars()
        return True
    if not callable(progress):
        raise TypeError(f"progress must be True, None or a callable, not {type(progress).__name__}")
    import inspect  # costs as much as half of the package

    if any(inspect.iscoroutinefunction(form) for form in _forms(progress)):
        raise TypeError("progress is called, not awaited: it must be no coroutine function")
    try:
        inspect.signature(progress).bind(None)
    except ValueError:
        return progress  # some builtins have no signature to ask
    except TypeError as error:
        raise TypeError(f"progress is called with one snapshot, but: {error}") from None
    return progress


def _forms(progress: Any) -> tuple[Any, ...]:
    """A callable, and what it stands for as a ``functools.partial`` or an object."""
    return (progress, getattr(progress, "func", None), type(progress).__call__)


class Reporter:
    """Looks at transfers and tells how far they are."""

    def __init__(
        self,
        transfers: Sequence[Transfer],
        disk_capacity: int,
        tell: Callable[[ProgressSnapshot], object],
    ) -> None:
        self._disk_capacity = disk_capacity
        self._transfers = list(transfers)
        self._tell = tell
        self._seen = {id(transfer): (time.monotonic(), 0, 0.0) for transfer in transfers}
        self._begun = {key: now for key, (now, _, _) in self._seen.items()}
        self._next = dict.fromkeys(self._seen, 0.0)
        self._ended: set[int] = set()

    def update(self) -> None:
        """Tells of each transfer that has not ended, and once more of one that has."""
        for transfer in self._transfers:
            now, due = time.monotonic(), self._next[id(transfer)]
            if id(transfer) not in self._ended and (now >= due or transfer.done()):
                self._next[id(transfer)] = now + INTERVAL - _EARLY
                self._tell(self._snapshot(transfer))

    def close(self) -> None:
        """Ends what is shown."""

    def _snapshot(self, transfer: Transfer) -> ProgressSnapshot:
        done = transfer.done()
        if done:
            self._ended.add(id(transfer))
        progress = transfer.progress
        now = time.monotonic()
        then, before, rate = self._seen[id(transfer)]
        if now - then >= _SHORTEST:
            newest = max(0, progress.bytes_done - before) / (now - then)
            rate = newest if rate == 0 else _SMOOTHING * newest + (1 - _SMOOTHING) * rate
            self._seen[id(transfer)] = (now, progress.bytes_done, rate)
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
            transfer._core.failed(),
        )


def reporter(
    progress: ProgressOption, transfers: Sequence[Transfer], disk_capacity: int
) -> Reporter | None:
    """What tells of these transfers; None for nothing."""
    if progress is None or progress is False:
        return None
    if progress is not True:
        return Reporter(transfers, disk_capacity, progress)
    from nfclease._display.reporters import display

    return display(transfers, disk_capacity)
