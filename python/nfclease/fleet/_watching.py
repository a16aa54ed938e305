"""What ``progress=True`` of a run shows: bars in a terminal, a table in a notebook, or lines."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager

from nfclease._display.option import checked
from nfclease._display.overview import Row
from nfclease._display.shown import where_rows_move
from nfclease._text import escaped
from nfclease.fleet.lines import Lines, sums_of, text_of
from nfclease.fleet.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    from nfclease._display.shown import Moving
    from nfclease.fleet.events import Event
    from nfclease.fleet.progress import HostProgress, JobProgress

    #: What ``progress=`` of a run takes.
    WatchOption: TypeAlias = Callable[[Event], object] | bool | None

#: Seconds between two drawings.
_INTERVAL = 0.2


def check_watcher(progress: WatchOption) -> WatchOption:
    """Refuses what cannot show a run, before anything is asked of a server.

    Raises:
        TypeError: It is neither a bool nor a callable that takes one argument.
        ImportError: It is True and rich is not installed.
    """
    given: Any = progress
    return checked(given)  # type: ignore[return-value]


@contextmanager
def watching(progress: WatchOption) -> Iterator[Callable[[Event], object] | None]:
    """What is called with the events of a run, for a block, after which the display is ended."""
    if progress is not True:
        yield progress or None
        return
    seen = _Seen()
    try:
        moving = where_rows_move(seen)
    except (OSError, ValueError):  # a closed standard error
        yield None
        return
    if moving is None:
        yield _Careful(Lines())
        return
    shown = _Drawn(seen, moving)
    try:
        yield _Careful(shown)
    finally:
        _Careful(lambda _: shown.close())(None)


class _Careful:
    """Calls until that fails: a terminal or a log that is gone does not end a run."""

    def __init__(self, call: Callable[[Any], object]) -> None:
        self._call: Callable[[Any], object] | None = call

    def __call__(self, event: Event | None) -> None:
        try:
            if self._call is not None:
                self._call(event)
        except (OSError, ValueError):  # a closed file raises ValueError
            self._call = None


class _Drawn:
    """Rows that move; what has ended stays above them."""

    def __init__(self, seen: _Seen, moving: Moving) -> None:
        self._seen, self._moving = seen, moving
        self._next = 0.0

    def __call__(self, event: Event) -> None:
        failed = event.kind == "waiting" and event.key in self._seen.progress.running
        self._seen.progress(event)
        if failed or event.kind in ("ended", "stopping"):
            self._moving.ended(text_of(event))
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _INTERVAL
            self._moving.refresh()

    def close(self) -> None:
        try:
            self._moving.ended(f"total: {sums_of(self._seen.progress)}")
            self._moving.refresh()
        finally:
            self._moving.close()


class _Seen:
    """A run as rows: the whole of it, its hosts, and what runs."""

    def __init__(self) -> None:
        self.progress = Progress()

    def total(self, final: bool = False) -> Row:
        """All of it."""
        progress = self.progress
        over = final or bool(progress.jobs and progress.ended == progress.jobs)
        notes = [f"{progress.ended} of {progress.jobs} jobs"]
        if progress.failed:
            notes.append(f"{progress.failed} failed")
        state = "failed" if progress.failed else "ended"
        total = progress.bytes_total or None
        return Row(
            "total",
            progress.bytes,
            None if over else total,
            progress.bytes_per_second,
            None if over else progress.seconds_left,
            state if over else "running",
            ", ".join(notes),
        )

    def rows(self) -> list[Row]:
        """The hosts where something runs or waits, then the jobs that run."""
        hosts = self.progress.hosts
        names = _names_of(hosts)
        busy = [(where, each) for where, each in hosts.items() if each.running or each.waiting]
        running = self.progress.running.values()
        return [
            *(_host_row(each, names[where]) for where, each in busy),
            *(_job_row(each, names[each.vcenter, each.host]) for each in running),
        ]

    running = rows


def _names_of(hosts: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Hosts by vCenter and name, each as short as tells it from the others."""
    short = {(center, name): _first_part(name) for center, name in hosts}
    twins = Counter((center, label) for (center, _), label in short.items())
    alone = len({center for center, _ in short}) == 1
    names = {}
    for (center, name), label in short.items():
        shown = label if twins[center, label] == 1 else name or "unknown"
        names[center, name] = escaped(shown if alone else f"{center}/{shown}")
    return names


def _first_part(name: str) -> str:
    """Of a host's name that before its domain; an address is left whole."""
    first = name.partition(".")[0]
    return name or "unknown" if first.isdigit() else first or "unknown"


def _host_row(host: HostProgress, name: str) -> Row:
    notes = [
        f"{host.waiting} wait" if host.waiting else "",
        escaped(host.reason.removeprefix(f"host {host.name}: "), 60),
        f"{host.running} run" if host.running else "",
    ]
    note = ", ".join(filter(None, notes))
    return Row(name, host.bytes, host.total or None, host.bytes_per_second, None, "running", note)


def _job_row(job: JobProgress, host: str) -> Row:
    left = None
    if job.total and job.bytes_per_second:
        left = max(0, job.total - job.bytes) / job.bytes_per_second
    note = f"on {host}" if job.host else ""
    name = f"  {escaped(job.vm)}"
    return Row(name, job.bytes, job.total or None, job.bytes_per_second, left, "running", note)
