"""What is to be shown of some transfers, in words and numbers, wherever it is shown."""

from __future__ import annotations

import time
from typing import NamedTuple

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from nfclease.progress import TransferProgress
    from nfclease.transfer import Transfer

    class Seen(Protocol):
        """What is drawn again and again, as rows."""

        def total(self, final: bool = False) -> Row | None: ...
        def rows(self) -> list[Row]: ...
        def running(self) -> list[Row]: ...


class Row(NamedTuple):
    """One line of a display."""

    name: str
    done: int
    total: int | None
    rate: float
    seconds_left: float | None
    #: ``running``, ``ended``, ``failed`` or ``stopped``.
    state: str
    note: str

    @property
    def share(self) -> float | None:
        """0 to 1, or None while the size is unknown."""
        if self.state == "ended":
            return 1.0
        if self.total is None:
            return None
        return min(1.0, self.done / self.total) if self.total else 0.0


class Overview:
    """The newest progress of each transfer, and their total."""

    def __init__(self, transfers: Sequence[Transfer]) -> None:
        self._count = len(transfers)
        self._names = {transfer.key: escaped(transfer.name) for transfer in transfers}
        self._sizes = {transfer.key: transfer.progress.bytes_total for transfer in transfers}
        self._newest: dict[str, TransferProgress] = {}
        self._begun: float | None = None

    def take(self, progress: TransferProgress) -> None:
        self._newest[progress.key] = progress
        if self._begun is None and progress.attempts:
            self._begun = time.monotonic()

    def rows(self) -> list[Row]:
        """Those that have begun, in the order of the transfers."""
        began = (self._newest[key] for key in self._names if key in self._newest)
        return [self.row(progress) for progress in began if progress.attempts or progress.done]

    def running(self) -> list[Row]:
        """Those that have begun and not ended."""
        return [row for row in self.rows() if row.state == "running"]

    def row(self, progress: TransferProgress, alone: bool = False) -> Row:
        """One of them; what it is compared with is told once, unless it stands alone."""
        name = self._names[progress.key]
        state = "failed" if progress.failed else "ended" if progress.done else "running"
        notes = [f"attempt {progress.attempts}"] if progress.attempts > 1 else []
        if state == "failed":
            notes.append(state)
        elif alone or self._count == 1:
            notes += _beside(progress.disk_capacity)
        done, total = progress.bytes_done, progress.bytes_total
        left = None if progress.done else progress.seconds_left
        return Row(name, done, total, progress.rate, left, state, ", ".join(notes))

    def total(self, final: bool = False) -> Row | None:
        """All of them; None where there is only one."""
        if self._count == 1:
            return None
        newest = list(self._newest.values())  # another export's thread may draw this one
        ended = [each for each in newest if each.done and not each.failed]
        sizes = {**self._sizes, **{each.key: each.bytes_total for each in newest}}
        sizes |= {each.key: each.bytes_done for each in ended}
        whole = None if None in sizes.values() else sum(size or 0 for size in sizes.values())
        done = sum(each.bytes_done for each in newest)
        state = "ended" if len(ended) == self._count else "stopped" if final else "running"
        if state != "running" and self._begun is not None:
            # What ended before it was looked at says by its own rate how long it took.
            longest = max((each.bytes_done / each.rate for each in ended if each.rate), default=0.0)
            rate = done / max(time.monotonic() - self._begun, longest, 0.05)
        else:
            rate = sum(each.rate for each in newest if not each.done)
        left = max(0, whole - done) / rate if whole is not None and rate and not final else None
        notes = [f"{len(ended)} of {self._count} files"]
        if whole is None and not final:
            notes += _beside(next(filter(None, (each.disk_capacity for each in newest)), None))
        return Row("total", done, whole, rate, left, state, ", ".join(notes))


def line(row: Row) -> str:
    """A row where nothing can move: in a log, or above the bars once it has ended."""
    of = f" of {size(row.total)}" if row.total is not None and row.state == "running" else ""
    state = "" if row.state == "running" or row.note.endswith(row.state) else row.state
    rate = speed(row.rate) if row.rate else ""  # nobody has looked twice
    parts = [f"{size(row.done)}{of}", rate, row.note, state]
    return f"{row.name}: {', '.join(part for part in parts if part)}"


def _beside(disk_capacity: int | None) -> list[str]:
    """What an unknown size can be compared with."""
    return [f"all disks hold up to {size(disk_capacity)}"] if disk_capacity else []


def size(count: int) -> str:
    """Bytes in a width that hardly changes."""
    if count < 1_000_000:
        return f"{count / 1e3:.1f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1e10 else f"{count / 1e9:.1f} GB"


def speed(rate: float) -> str:
    return f"{rate / 1e6:.1f} MB/s"


def clock(seconds: float | None) -> str:
    """``1:02:03``; empty when unknown, or too far away to mean anything."""
    if seconds is None or seconds > 1e6:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def short(text: str, width: int) -> str:
    """A name without its middle: both ends tell disks of one VM apart."""
    if len(text) <= width:
        return text
    kept = max(width - 2, 2)
    return f"{text[: kept - kept // 2]}..{text[len(text) - kept // 2 :]}"
