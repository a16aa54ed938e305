"""Progress that people can see: bars, a widget, lines in a log, or a callable of the script's own.

The side that waits looks at the transfers' counters, at most five times a second; nothing is called
per piece of data.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nfclease.transfer import Transfer

__all__ = ["ProgressSnapshot"]

#: Seconds between two looks.
INTERVAL = 0.2
#: Seconds between two lines where no bar can move.
_LINE_INTERVAL = 10.0
#: Seconds that a rate is taken over at least.
_SHORTEST = 0.05
#: How much of the newest rate goes into the one that is shown.
_SMOOTHING = 0.3


class ProgressSnapshot(NamedTuple):
    """How far one transfer is, as a ``progress`` callable gets it.

    Attributes:
        name: The device's ``targetId``, or the last part of its URL's path.
        key: ``DeviceUrl.key`` of the device.
        bytes_done: Bytes moved in the current attempt.
        bytes_total: Bytes in all, or None while the size is unknown, as it is for an exported
            disk until its end.
        rate: Bytes per second, smoothed.
        seconds_left: None while the size is unknown or nothing moves.
        attempts: Attempts started.
        done: Whether it has ended, well or not.
        disk_capacity: Bytes that all disks of the lease can hold (``totalDiskCapacityInKB``),
            while ``bytes_total`` is None; no size, for what is sent is smaller. None where the
            size is known or the server does not say.

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


if TYPE_CHECKING:
    #: True for bars, a callable for one's own, None for nothing.
    ProgressOption: TypeAlias = bool | Callable[[ProgressSnapshot], object] | None


def checked(progress: ProgressOption) -> ProgressOption:
    """Refuses what cannot show progress, before anything is asked of a server.

    Raises:
        TypeError: It is no bool and no callable that takes one argument.
        ImportError: It is True and tqdm is not installed.
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        _tqdm()
        return True
    if not callable(progress):
        raise TypeError(f"progress must be True, None or a callable, not {type(progress).__name__}")
    import inspect  # costs as much as half of the package

    try:
        inspect.signature(progress).bind(None)
    except ValueError:
        return progress  # some builtins have no signature to ask
    except TypeError as error:
        raise TypeError(f"progress is called with one snapshot, but: {error}") from None
    return progress


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError(
            "progress=True needs tqdm: pip install 'nfclease[progress]', or pass a callable"
        ) from None
    return tqdm


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
        self._ended: set[int] = set()

    def update(self) -> None:
        """Tells of each transfer that has not ended, and once more of one that has."""
        for transfer in self._transfers:
            if id(transfer) not in self._ended:
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
        )


class _Bars(Reporter):
    """One bar for each transfer and one for all, in a terminal or a notebook."""

    def __init__(self, transfers: Sequence[Transfer], disk_capacity: int) -> None:
        super().__init__(transfers, disk_capacity, self._show)
        bar = _tqdm()
        options = {"unit": "B", "unit_scale": True, "miniters": 0}
        self._bars = {
            transfer.key: bar(desc=transfer.name, position=number, **options)
            for number, transfer in enumerate(transfers)
        }
        self._total = bar(desc="total", position=len(transfers), **options)
        self._sizes = {transfer.key: (0, transfer.progress.bytes_total) for transfer in transfers}

    def _show(self, snapshot: ProgressSnapshot) -> None:
        bar = self._bars[snapshot.key]
        total = snapshot.bytes_done if snapshot.done else snapshot.bytes_total
        self._sizes[snapshot.key] = (snapshot.bytes_done, total)
        _move(bar, snapshot.bytes_done, total)
        totals = [size for _, size in self._sizes.values()]
        known = None if None in totals else sum(size or 0 for size in totals)
        beside = _beside(self._disk_capacity) if known is None else ""
        self._total.set_postfix_str(beside.removeprefix(", "), refresh=False)
        _move(self._total, sum(done for done, _ in self._sizes.values()), known)

    def close(self) -> None:
        for bar in (*self._bars.values(), self._total):
            bar.close()


def _move(bar: Any, done: int, total: int | None) -> None:
    bar.total = total
    bar.update(done - bar.n)
    bar.refresh()


class _Lines(Reporter):
    """A line now and then, where standard error is no terminal."""

    def __init__(self, transfers: Sequence[Transfer], disk_capacity: int) -> None:
        super().__init__(transfers, disk_capacity, self._show)
        self._next = dict.fromkeys((transfer.key for transfer in transfers), 0.0)

    def _show(self, snapshot: ProgressSnapshot) -> None:
        now = time.monotonic()
        if not snapshot.done and now < self._next[snapshot.key]:
            return
        self._next[snapshot.key] = now + _LINE_INTERVAL
        total = "" if snapshot.bytes_total is None else f" of {snapshot.bytes_total / 1e6:.1f}"
        state = ", ended" if snapshot.done else _beside(snapshot.disk_capacity)
        print(
            f"{snapshot.name}: {snapshot.bytes_done / 1e6:.1f}{total} MB, "
            f"{snapshot.rate / 1e6:.1f} MB/s{state}",
            file=sys.stderr,
            flush=True,
        )


def _beside(disk_capacity: int | None) -> str:
    """What an unknown size can be compared with."""
    return f", the disks hold up to {disk_capacity / 1e6:.1f} MB" if disk_capacity else ""


def reporter(
    progress: ProgressOption, transfers: Sequence[Transfer], disk_capacity: int
) -> Reporter | None:
    """What shows the progress of these transfers; None for nothing."""
    if progress is None or progress is False:
        return None
    if progress is not True:
        return Reporter(transfers, disk_capacity, progress)
    if _in_kernel() or sys.stderr.isatty():
        return _Bars(transfers, disk_capacity)
    return _Lines(transfers, disk_capacity)


def _in_kernel() -> bool:
    """Whether a notebook shows what is written."""
    shell = sys.modules.get("IPython")
    return shell is not None and hasattr(shell.get_ipython(), "kernel")
