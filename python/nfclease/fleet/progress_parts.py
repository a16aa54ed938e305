"""How far one job and one host are, as parts of the progress of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from nfclease.fleet._recent_rate import RecentRate

__all__ = ["HostProgress", "JobProgress"]


@dataclass(slots=True)
class JobProgress:
    """One job that runs.

    Attributes:
        vm: Its VM.
        host: The host that serves it.
        disks: How many it has.
        bytes: Moved so far in this attempt.
        total: Bytes at most; 0 where unknown.
        begun: When the attempt began, in seconds since 1970.
        bytes_per_second: Of this attempt.
        vcenter: The session's name.

    Examples:
        >>> from nfclease.fleet import JobProgress
        >>> JobProgress("web", "esx1", disks=2, total=1000, begun=1790000000.0).bytes
        0
    """

    vm: str
    host: str
    disks: int
    total: int
    begun: float
    bytes: int = 0
    bytes_per_second: float = 0.0
    vcenter: str = ""


@dataclass(slots=True)
class HostProgress:
    """One host.

    Attributes:
        name: Its name; of an import the resource pool where no host was named.
        vcenter: The session's name.
        running: Jobs that run.
        disks: Disks of these.
        waiting: Jobs that wait for their turn, or to be tried again.
        reason: Why one of them waits, the last of which that was told: ``host esx3: 8 of 8 disks``.
        bytes: Moved by its jobs.
        total: Bytes of all its jobs at most; what has ended counts with what it moved.
        bytes_per_second: Over the last minute.

    Examples:
        >>> from nfclease.fleet import HostProgress
        >>> HostProgress("esx1", "lab", running=4, disks=8).waiting
        0
    """

    name: str
    vcenter: str
    running: int = 0
    disks: int = 0
    waiting: int = 0
    bytes: int = 0
    total: int = 0
    bytes_per_second: float = 0.0
    #: By the keys of the jobs that wait.
    _reasons: dict[str, str] = field(default_factory=dict, repr=False)
    _rate: RecentRate = field(default_factory=RecentRate, repr=False)

    @property
    def reason(self) -> str:
        """Empty where nothing waits, or for no reason that was told."""
        return next(reversed(self._reasons.values()), "")
