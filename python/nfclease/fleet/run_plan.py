"""What ``plan`` gives: the jobs and the hosts of a run that has not begun."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease.fleet.failures import Failure

__all__ = ["PlannedHost", "PlannedJob", "RunPlan"]


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job as a run would begin it.

    Attributes:
        key: The job's name over runs, ``job.key``.
        vm: The VM, as its job names it; of an import the package.
        target: Where it would go, with everything filled in; empty if unknown.
        vcenter: The name of its session.
        host: The host where it is now, or the resource pool of an import; empty where unknown.
        disks: How many disks it has.
        bytes: What it may move at most: what the VM takes in its datastores. 0 where unknown.
        failure: Why it would fail, as far as the inventory tells; None where nothing is known.
        skipped: Whether it would be skipped: the journal has it as done, to this target.

    Examples:
        >>> from nfclease.fleet import PlannedJob
        >>> PlannedJob("export lab: a -> {vm}", "a", "a", "lab", "esx1", 2, 4096).failure is None
        True
    """

    key: str
    vm: str
    target: str
    vcenter: str
    host: str
    disks: int
    bytes: int
    failure: Failure | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class PlannedHost:
    """What a run would move from one host.

    Attributes:
        vcenter: The name of the session.
        host: The host's name.
        jobs: How many jobs.
        disks: How many disks they have.
        bytes: What they may move at most.
        seconds: How long that takes with the caps of the run, at 25 MB/s a stream.

    Examples:
        >>> from nfclease.fleet import PlannedHost
        >>> PlannedHost("lab", "esx1", 1, 2, 50_000_000, 1.0).seconds
        1.0
    """

    vcenter: str
    host: str
    jobs: int
    disks: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run would do.

    Attributes:
        jobs: Each job, in the order of the list.
        hosts: The hosts of those that would run, the one that takes longest first.
        seconds: How long all of it takes at least, at 25 MB/s a stream, the hosts at the same time.

    Examples:
        >>> from nfclease.fleet import RunPlan
        >>> RunPlan((), (), 0.0).bytes
        0
    """

    jobs: tuple[PlannedJob, ...]
    hosts: tuple[PlannedHost, ...]
    seconds: float

    @property
    def failed(self) -> tuple[PlannedJob, ...]:
        """Those that would fail."""
        return tuple(each for each in self.jobs if each.failure is not None and not each.skipped)

    @property
    def skipped(self) -> tuple[PlannedJob, ...]:
        """Those that an earlier run has done."""
        return tuple(each for each in self.jobs if each.skipped)

    @property
    def bytes(self) -> int:
        """Bytes at most of those that would run."""
        return sum(each.bytes for each in self.hosts)
