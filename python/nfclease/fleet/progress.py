"""How far a run is: sums of its events."""

from __future__ import annotations

from nfclease.fleet._recent_rate import STEP, RecentRate
from nfclease.fleet.progress_parts import HostProgress, JobProgress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.fleet.events import Event

__all__ = ["HostProgress", "JobProgress", "Progress"]


class Progress:
    """How far a run is, from its events: give it as ``progress=``, or call it with each of them.

    Attributes:
        jobs: How many were planned.
        done: How many did what they were to do.
        skipped: How many an earlier run has done.
        failed: How many failed for good.
        cancelled: How many the end of the run met first.
        bytes: Moved, without what failed attempts had moved.
        bytes_total: Bytes of all jobs at most, as the server says how much its VMs store; exports
            are often smaller. What has ended counts with what it moved.
        hosts: A ``HostProgress`` for each host, by vCenter and name.
        running: What runs, by the keys of the jobs.

    Examples:
        >>> from nfclease.fleet import Event, Progress
        >>> progress = Progress()
        >>> progress(Event("planned", at=0.0, key="a", host="esx1", total=1000))
        >>> progress(Event("started", at=1.0, key="a", host="esx1", total=1000, disks=2))
        >>> progress(Event("moved", at=2.0, key="a", host="esx1", total=1000, bytes=400))
        >>> progress(Event("moved", at=3.0, key="a", host="esx1", total=1000, bytes=600))
        >>> progress.bytes, progress.bytes_per_second, progress.seconds_left
        (600, 200.0, 2.0)
    """

    jobs: int
    done: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int
    bytes_total: int

    def __init__(self) -> None:
        self.jobs = self.done = self.skipped = self.failed = self.cancelled = 0
        self.bytes = self.bytes_total = 0
        self.hosts: dict[tuple[str, str], HostProgress] = {}
        self.running: dict[str, JobProgress] = {}
        #: Where those wait that do.
        self._waiting: dict[str, HostProgress] = {}
        #: Bytes at most of each job that has not ended, by its key.
        self._totals: dict[str, int] = {}
        self._unknown = 0
        self._left = 0
        self._rate = RecentRate()
        self._at = 0.0
        #: When the rates of all hosts were taken.
        self._taken = 0.0

    @property
    def ended(self) -> int:
        """How many have ended, however that was."""
        return self.done + self.skipped + self.failed + self.cancelled

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def bytes_per_second(self) -> float:
        """Over the last minute."""
        return self._rate.at(self._at)

    @property
    def seconds_left(self) -> float | None:
        """At most, at the rate of the last minute; None where a size or the rate is unknown."""
        rate = self.bytes_per_second
        if self._unknown or not rate:
            return None
        moved = sum(min(each.bytes, each.total) for each in self.running.values())
        return (self._left - moved) / rate

    def __call__(self, event: Event) -> None:
        """Takes one event in.

        Args:
            event: What changed. Those of a job come in the order in which they were made.
        """
        self._at = max(self._at, event.at)
        if event.kind == "planned":
            self._plan(event)
        elif event.kind == "waiting":
            self._leave(event)
            self._wait(event)
        elif event.kind == "started":
            self._start(event)
        elif event.kind == "moved":
            self._move(event)
        elif event.kind == "ended":
            self._end(event)
        if self._at - self._taken >= STEP:  # a host that moves nothing is told of by the others
            self._taken = self._at
            for host in self.hosts.values():
                host.bytes_per_second = host._rate.at(self._at)

    def _host(self, event: Event) -> HostProgress:
        where = (event.vcenter, event.host)
        if where not in self.hosts:
            self.hosts[where] = HostProgress(event.host, event.vcenter)
        return self.hosts[where]

    def _plan(self, event: Event) -> None:
        """Counts a job; once more where its vCenter was away at first, and is read by now."""
        if event.key in self._totals:
            self._leave(event)
            self._forget(event.key)
        else:
            self.jobs += 1
        self._totals[event.key] = event.total
        self.bytes_total += event.total
        self._left += event.total
        self._unknown += not event.total
        self._wait(event)

    def _forget(self, key: str) -> None:
        total = self._totals.pop(key, None)
        if total is None:
            return
        self.bytes_total -= total
        self._left -= total
        self._unknown -= not total

    def _wait(self, event: Event) -> None:
        host = self._waiting[event.key] = self._host(event)
        host.waiting += 1
        host.total += event.total
        if event.reason:
            host._reasons[event.key] = event.reason

    def _leave(self, event: Event) -> None:
        """It neither runs nor waits; what an attempt has moved is not a part of the sums."""
        host = self._waiting.pop(event.key, None)
        if host is not None:
            host.waiting -= 1
            host.total -= self._totals.get(event.key, event.total)
            host._reasons.pop(event.key, None)
        ran = self.running.pop(event.key, None)
        if ran is not None:
            host = self.hosts[ran.vcenter, ran.host]
            host.running -= 1
            host.disks -= ran.disks
            host.total -= ran.total
            host.bytes -= ran.bytes
            self.bytes -= ran.bytes

    def _start(self, event: Event) -> None:
        self._leave(event)
        host = self._host(event)
        host.running += 1
        host.disks += event.disks
        host.total += event.total
        self.running[event.key] = JobProgress(
            event.vm, event.host, event.disks, event.total, event.at, vcenter=event.vcenter
        )

    def _move(self, event: Event) -> None:
        job = self.running.get(event.key)
        if job is None:
            return
        host = self.hosts[job.vcenter, job.host]
        more = max(0, event.bytes - job.bytes)
        job.bytes += more
        job.bytes_per_second = job.bytes / max(event.at - job.begun, STEP)
        self.bytes += more
        host.bytes += more
        self._count(host, event.at, more)

    def _count(self, host: HostProgress, at: float, more: int) -> None:
        for rate in (self._rate, host._rate):
            rate.add(at, more)
        host.bytes_per_second = host._rate.at(at)

    def _end(self, event: Event) -> None:
        ran = self.running.get(event.key)
        known = ran.bytes if ran is not None else 0
        self._leave(event)
        self._forget(event.key)
        outcome = event.outcome
        state = "cancelled" if outcome is None else outcome.state
        setattr(self, state, getattr(self, state) + 1)
        if state == "done":
            host = self._host(event)
            self._count(host, event.at, max(0, event.bytes - known))  # since it last told of any
            self.bytes += event.bytes
            self.bytes_total += event.bytes
            host.bytes += event.bytes
            host.total += event.bytes
