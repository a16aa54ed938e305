"""A watcher of a run that writes a line for each change, for a log."""

from __future__ import annotations

import sys
import threading
import time

from nfclease._display.overview import clock, size, speed
from nfclease._text import escaped
from nfclease.fleet.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from nfclease.fleet.events import Event

__all__ = ["Lines"]

#: Seconds between two lines about the whole run.
_INTERVAL = 60.0


class Lines:
    """A watcher that writes a line for each job that starts, waits, or ends, and sums now and then.

    Several threads may call it: lines are never mixed.

    Args:
        stream: An open text file; None means standard error. It is flushed after each line.

    Examples:
        >>> import sys
        >>> from nfclease.fleet import Event, Lines
        >>> lines = Lines(sys.stdout)
        >>> lines(Event("planned", at=0.0, key="a", vm="web", host="esx3", disks=2))
        >>> lines(Event("waiting", at=0.0, key="a", vm="web", reason="host esx3: 8 of 8 disks"))
        web: waits, host esx3: 8 of 8 disks
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._progress = Progress()
        self._lock = threading.Lock()
        self._next = time.monotonic() + _INTERVAL
        self._has_started = False

    def __call__(self, event: Event) -> None:
        """Writes what has changed, if it is worth a line.

        Args:
            event: What changed.

        Raises:
            OSError: The stream cannot be written.
            ValueError: It is closed.
        """
        with self._lock:
            self._progress(event)
            self._has_started |= event.kind == "started"
            told = text_of(event)
            if told:
                self._write(told)
            if time.monotonic() >= self._next or (event.kind == "ended" and self._is_over()):
                self._next = time.monotonic() + _INTERVAL
                self._write(f"total: {sums_of(self._progress)}")

    def _is_over(self) -> bool:
        # Before the first start jobs are still being planned, and skipped ones end meanwhile.
        return self._has_started and self._progress.ended == self._progress.jobs

    def _write(self, text: str) -> None:
        stream = self._stream or sys.stderr
        if stream is not None:  # a process may have no standard error
            stream.write(f"{text}\n")
            stream.flush()


def text_of(event: Event) -> str:
    """A change as a line; empty for what is not worth one."""
    name, reason = escaped(event.vm), escaped(event.reason, 1000)
    if event.kind == "started":
        return f"{name}: started" + (f" on {escaped(event.host)}" if event.host else "")
    if event.kind == "waiting":
        return f"{name}: waits, {reason}"
    if event.kind == "stopping":
        return "the run stops"
    if event.kind == "ended" and event.outcome is not None:
        return _end_of(event, name, reason)
    return ""


def _end_of(event: Event, name: str, reason: str) -> str:
    outcome = event.outcome
    if outcome is None or outcome.state == "cancelled":
        return f"{name}: cancelled"
    if outcome.state == "failed":
        verdict = outcome.failure.verdict if outcome.failure is not None else "never"
        return f"{name}: failed ({verdict}), {reason}"
    if outcome.state == "skipped":
        return f"{name}: skipped, done by an earlier run"
    rate = outcome.bytes / max(outcome.seconds, 0.001)
    return f"{name}: done, {size(outcome.bytes)} in {outcome.seconds:.1f} s, {speed(rate)}"


def sums_of(progress: Progress) -> str:
    """The whole run in one line."""
    left = clock(progress.seconds_left) if progress.ended < progress.jobs else ""
    parts = [
        f"{progress.ended} of {progress.jobs} jobs",
        f"{progress.failed} failed" if progress.failed else "",
        f"{len(progress.running)} running" if progress.running else "",
        f"{progress.waiting} waiting" if progress.waiting else "",
        size(progress.bytes),
        speed(progress.bytes_per_second) if progress.bytes_per_second else "",
        f"at most {left} left" if left else "",
    ]
    return ", ".join(filter(None, parts))
