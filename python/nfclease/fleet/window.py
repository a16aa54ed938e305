"""Which job may start next: a queue for each host, a limit for each host and each vCenter."""

from __future__ import annotations

import heapq
from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Waiting(Protocol):
        """What is put in line."""

        #: The name of the session that it goes over.
        vcenter: str
        #: Where its VM runs.
        host: str
        #: What it costs.
        disks: int
        #: What it may move: the longest of a host starts first.
        bytes: int

        @property
        def host_name(self) -> str:
            """The host, for people."""


class _Count:
    """Disks that are being moved, and how many may be at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0

    def fits(self, disks: int) -> bool:
        """Whether so many more may start; more than the limit may when nothing else runs."""
        return self.used == 0 or self.used + disks <= self.most


class _Host(_Count):
    """A host and its queue: the longest first, of equal ones in the order of the list."""

    def __init__(self, name: str, most: int) -> None:
        super().__init__(most)
        self.name = name
        self.queue: list[tuple[int, int, Waiting, str]] = []


class _Center(_Count):
    """A vCenter and those of its hosts that somebody waits for, in turns."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.hosts: dict[str, _Host] = {}
        self.turns: OrderedDict[str, None] = OrderedDict()


class Window:
    """Jobs in line, and those that run.

    The first of a queue is never passed by another one of its host, nor by one of another host when
    it waits for the vCenter alone: so a VM with many disks gets its turn.

    Args:
        per_host: Disks that may be moved at once from one host.
        per_vcenter: The same, of one vCenter.
        max_jobs: Jobs that may run at once, wherever their VMs are; None means without a limit.
    """

    def __init__(self, per_host: int, per_vcenter: int, max_jobs: int | None = None) -> None:
        self._per_host, self._per_vcenter = per_host, per_vcenter
        self._max_jobs = max_jobs
        self._centers: dict[str, _Center] = {}
        self._running: dict[int, tuple[list[_Count], int]] = {}
        self._number = 0
        self._waiting = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._waiting

    def _is_full(self) -> bool:
        return self._max_jobs is not None and len(self._running) >= self._max_jobs

    def add(self, job: Waiting, to_vcenter: str = "") -> None:
        """Puts a job in line at the host that it names now.

        Args:
            job: What waits.
            to_vcenter: Another vCenter where it counts, or empty.
        """
        center = self._center(job.vcenter)
        host = center.hosts.setdefault(job.host, _Host(job.host, self._per_host))
        self._number += 1
        self._waiting += 1
        heapq.heappush(host.queue, (-job.bytes, self._number, job, to_vcenter))
        center.turns.setdefault(job.host)

    def _center(self, name: str) -> _Center:
        return self._centers.setdefault(name, _Center(self._per_vcenter))

    def take(self) -> Waiting | None:
        """The next that may start, counted from now on; None when all have to wait."""
        if self._is_full():
            return None
        for center in list(self._centers.values()):
            for name in list(center.turns):
                host = center.hosts[name]
                _, _, job, to = host.queue[0]
                cost = max(job.disks, 1)
                if not host.fits(cost):
                    continue
                if not center.fits(cost):
                    break
                others = [self._center(to)] if to else []
                if not all(other.fits(cost) for other in others):
                    continue
                heapq.heappop(host.queue)
                self._count(job, [center, host, *others], cost)
                center.turns.move_to_end(name)
                if not host.queue:
                    del center.turns[name]
                return job
        return None

    def _count(self, job: Waiting, places: list[_Count], cost: int) -> None:
        for place in places:
            place.used += cost
        self._running[id(job)] = places, cost
        self._waiting -= 1

    def host_of(self, job: Waiting) -> str:
        """The host at which one that was taken is counted."""
        places, _ = self._running[id(job)]
        return next(place.name for place in places if isinstance(place, _Host))

    def following(self, count: int) -> list[Waiting]:
        """About so many of those that are next in line, as many of each host."""
        hosts = [c.hosts[name] for c in self._centers.values() for name in c.turns]
        each = -(-count // max(len(hosts), 1))
        return [entry[2] for host in hosts for entry in heapq.nsmallest(each, host.queue)]

    def end(self, job: Waiting) -> None:
        """Counts one that was taken no more, wherever its VM is by now."""
        places, cost = self._running.pop(id(job))
        for place in places:
            place.used -= cost

    def clear(self) -> list[Waiting]:
        """Takes all that wait out of line."""
        hosts = [host for center in self._centers.values() for host in center.hosts.values()]
        jobs = [entry[2] for host in hosts for entry in sorted(host.queue)]
        for host in hosts:
            host.queue.clear()
        for center in self._centers.values():
            center.turns.clear()
        self._waiting = 0
        return jobs

    def held(self) -> Iterator[tuple[Waiting, str]]:
        """The first of each queue, and what it waits for."""
        for name, center in list(self._centers.items()):
            for place in center.turns:
                host = center.hosts[place]
                _, _, job, to = host.queue[0]
                cost = max(job.disks, 1)
                if self._is_full():
                    yield job, f"{len(self._running)} of {self._max_jobs} jobs run"
                elif not host.fits(cost):
                    where = job.host_name or "unknown"
                    yield job, f"host {where}: {host.used} of {host.most} disks"
                elif to and center.fits(cost):
                    other = self._center(to)
                    yield job, f"vCenter {to}: {other.used} of {other.most} disks"
                else:
                    yield job, f"vCenter {name}: {center.used} of {center.most} disks"
