"""What ``progress=True`` shows on standard error: bars, a widget, or lines in a log."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nfclease._devices import printable
from nfclease.progress import Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nfclease.progress import ProgressSnapshot
    from nfclease.transfer import Transfer

#: Seconds between two lines where no bar can move.
_LINE_INTERVAL = 10.0


def tqdm_class() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError(
            "progress=True needs tqdm: pip install 'nfclease[progress]', or pass a callable"
        ) from None
    return tqdm


class _Display(Reporter):
    """Shows it on standard error. A log that is full or closed is no reason to end an export."""

    #: Until it cannot be written to.
    _works = True

    def update(self) -> None:
        if self._works:
            with self._writing():
                super().update()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):  # a closed file raises ValueError
            self._works = False


class _Bars(_Display):
    """A bar for each transfer, and one for all where there are several."""

    def __init__(self, transfers: Sequence[Transfer], disk_capacity: int) -> None:
        super().__init__(transfers, disk_capacity, self._show)
        bar = tqdm_class()
        options = {"unit": "B", "unit_scale": True, "miniters": 0}
        self._bars = {
            transfer.key: bar(desc=printable(transfer.name), position=number, **options)
            for number, transfer in enumerate(transfers)
        }
        self._total = (
            bar(desc="total", position=len(transfers), **options) if len(transfers) > 1 else None
        )
        self._ends_at: dict[str, float] = {}
        self._well: set[str] = set()
        self._sizes = {transfer.key: (0, transfer.progress.bytes_total) for transfer in transfers}

    def _show(self, snapshot: ProgressSnapshot) -> None:
        bar = self._bars[snapshot.key]
        well = snapshot.done and not snapshot.failed
        total = snapshot.bytes_done if well else snapshot.bytes_total
        self._sizes[snapshot.key] = (snapshot.bytes_done, total)
        if well:
            self._well.add(snapshot.key)
        if snapshot.done:
            self._ends_at[snapshot.key] = time.time()
        if self._total is None:
            self._move(bar, snapshot.bytes_done, total)
            return
        _move(bar, snapshot.bytes_done, total)
        totals = [size for _, size in self._sizes.values()]
        known = None if None in totals else sum(size or 0 for size in totals)
        self._move(self._total, sum(done for done, _ in self._sizes.values()), known)

    def _move(self, bar: Any, done: int, total: int | None) -> None:
        """The last bar, which also tells what an unknown size can be at most."""
        beside = _beside(self._disk_capacity) if total is None else ""
        bar.set_postfix_str(beside.removeprefix(", "), refresh=False)
        _move(bar, done, total)

    def close(self) -> None:
        now = time.time()
        for key, bar in self._bars.items():
            if not bar.disable:  # its last rate is that of its own time
                bar.start_t += now - self._ends_at.get(key, now)
            self._close(bar, key in self._well)
        if self._total is not None:
            self._close(self._total, len(self._well) == len(self._bars))

    def _close(self, bar: Any, well: bool) -> None:
        with self._writing():
            # A widget takes what has no size for whole, and shows it in green, unless it is red.
            if not well and not bar.disable and hasattr(bar, "disp"):
                bar.disp(bar_style="danger", check_delay=False)
            bar.close()


def _move(bar: Any, done: int, total: int | None) -> None:
    bar.total = total
    bar.update(done - bar.n)
    bar.refresh()


class _Lines(_Display):
    """A line now and then, where standard error is no terminal."""

    def __init__(self, transfers: Sequence[Transfer], disk_capacity: int) -> None:
        super().__init__(transfers, disk_capacity, self._show)
        self._next_line = dict.fromkeys((transfer.key for transfer in transfers), 0.0)

    def _show(self, snapshot: ProgressSnapshot) -> None:
        now = time.monotonic()
        if not snapshot.done and now < self._next_line[snapshot.key]:
            return
        self._next_line[snapshot.key] = now + _LINE_INTERVAL
        total = "" if snapshot.bytes_total is None else f" of {snapshot.bytes_total / 1e6:.1f}"
        ended = ", failed" if snapshot.failed else ", ended"
        state = ended if snapshot.done else _beside(snapshot.disk_capacity)
        print(
            f"{printable(snapshot.name)}: {snapshot.bytes_done / 1e6:.1f}{total} MB, "
            f"{snapshot.rate / 1e6:.1f} MB/s{state}",
            file=sys.stderr,
            flush=True,
        )


def _beside(disk_capacity: int | None) -> str:
    """What an unknown size can be compared with."""
    return f", all disks hold up to {disk_capacity / 1e6:.1f} MB" if disk_capacity else ""


def display(transfers: Sequence[Transfer], disk_capacity: int) -> Reporter | None:
    """What suits this standard error; None where there is none."""
    try:
        if _in_kernel() or _in_terminal():
            return _Bars(transfers, disk_capacity)
        return None if sys.stderr is None else _Lines(transfers, disk_capacity)
    except (OSError, ValueError):  # a closed standard error
        return None


def _in_terminal() -> bool:
    isatty = getattr(sys.stderr, "isatty", None)  # a process may have no standard error
    return isatty is not None and bool(isatty())


def _in_kernel() -> bool:
    """Whether a notebook shows what is written."""
    shell = sys.modules.get("IPython")
    return shell is not None and hasattr(shell.get_ipython(), "kernel")
