"""What is to be shown of some transfers, in words and numbers, wherever it is shown."""

from __future__ import annotations

import time
from typing import NamedTuple

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nfclease.progress import ProgressSnapshot
    from nfclease.transfer import Transfer


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
    """The newest snapshot of each transfer, and their total."""

    def __init__(self, transfers: Sequence[Transfer], disk_capacity: int) -> None:
        self._capacity = disk_capacity
        self._count = len(transfers)
        self._names = {transfer.key: escaped(transfer.name) for transfer in transfers}
        self._sizes = {transfer.key: transfer.progress.bytes_total for transfer in transfers}
        self._newest: dict[str, ProgressSnapshot] = {}
        self._begun: float | None = None

    def take(self, snapshot: ProgressSnapshot) -> None:
        self._newest[snapshot.key] = snapshot
        if self._begun is None and snapshot.attempts:
            self._begun = time.monotonic()

    def rows(self) -> list[Row]:
        """Those that have begun, in the order of the transfers."""
        began = (self._newest[key] for key in self._names if key in self._newest)
        return [self.row(snapshot) for snapshot in began if snapshot.attempts or snapshot.done]

    def running(self) -> list[Row]:
        """Those that have begun and not ended."""
        return [row for row in self.rows() if row.state == "running"]

    def row(self, snapshot: ProgressSnapshot, alone: bool = False) -> Row:
        """One of them; what it is compared with is told once, unless it stands alone."""
        name = self._names[snapshot.key]
        state = "failed" if snapshot.failed else "ended" if snapshot.done else "running"
        notes = [f"attempt {snapshot.attempts}"] if snapshot.attempts > 1 else []
        if state == "failed":
            notes.append(state)
        elif alone or self._count == 1:
            notes += _beside(snapshot.disk_capacity)
        done, total = snapshot.bytes_done, snapshot.bytes_total
        left = None if snapshot.done else snapshot.seconds_left
        return Row(name, done, total, snapshot.rate, left, state, ", ".join(notes))

    def total(self, final: bool = False) -> Row | None:
        """All of them; None where there is only one."""
        if self._count == 1:
            return None
        seen = list(self._newest.values())  # another export's thread may draw this one
        ended = [each for each in seen if each.done and not each.failed]
        sizes = {**self._sizes, **{each.key: each.bytes_total for each in seen}}
        sizes |= {each.key: each.bytes_done for each in ended}
        whole = None if None in sizes.values() else sum(size or 0 for size in sizes.values())
        done = sum(each.bytes_done for each in seen)
        state = "ended" if len(ended) == self._count else "stopped" if final else "running"
        if state != "running" and self._begun is not None:
            rate = done / max(time.monotonic() - self._begun, 0.05)
        else:
            rate = sum(each.rate for each in seen if not each.done)
        left = max(0, whole - done) / rate if whole is not None and rate and not final else None
        notes = [f"{len(ended)} of {self._count} files"]
        if whole is None and not final:
            notes += _beside(self._capacity)
        return Row("total", done, whole, rate, left, state, ", ".join(notes))


def line(row: Row) -> str:
    """A row where nothing can move: in a log, or above the bars once it has ended."""
    of = f" of {size(row.total)}" if row.total is not None and row.state == "running" else ""
    state = "" if row.state == "running" or row.note.endswith(row.state) else row.state
    parts = [f"{size(row.done)}{of}", speed(row.rate), row.note, state]
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
