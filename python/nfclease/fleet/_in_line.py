"""A job of a run in line: where its VM is, what it costs, and what its attempts told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from nfclease.fleet._lease_notes import are_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.fleet._working import Assignment
    from nfclease.fleet.failures import Failure
    from nfclease.fleet.jobs import Job

__all__ = ["Planned"]


@dataclass(eq=False)
class Planned:
    """A job that has its place in line.

    Attributes:
        assignment: What a worker gets.
        vcenter: The name of its session.
        to_vcenter: That of the other session of a copy; empty where there is none.
        host: The moId of the host, where the VM was when somebody last looked.
        host_name: Its name, for people.
        disks: How many disks it has.
        bytes: What it may move at most, 0 where nobody knows.
        failure: Why it cannot even start; None where it can.
        attempts: How often it was started.
        host_read_at: When its host was read, of ``time.monotonic``.
        is_unread: Whether its vCenter was away when the inventory was read: nobody knows yet where
            its VM is, nor what its target is called. The failure says why.
        leases: What its attempts told of their leases, which a dead worker may have left.
    """

    assignment: Assignment
    vcenter: str
    host: str = ""
    host_name: str = ""
    disks: int = 1
    bytes: int = 0
    failure: Failure | None = None
    leases: tuple[str, ...] = ()
    to_vcenter: str = ""
    is_unread: bool = False
    attempts: int = field(default=0, init=False)
    host_read_at: float = field(default_factory=time.monotonic, init=False)

    @property
    def job(self) -> Job:
        """What was asked for."""
        return self.assignment.job

    @property
    def key(self) -> str:
        """The job's."""
        return self.job.key

    def learn(self, read: Planned) -> None:
        """Takes over what the plan says of it now that its vCenter has answered."""
        attempts, leases = self.attempts, self.leases
        vars(self).update(vars(read))
        self.attempts, self.leases = attempts, leases

    def assigned(self, share: int | None) -> Assignment:
        """What the worker of its next attempt gets.

        Args:
            share: Its bytes per second at first; None without a limit.
        """
        self.assignment = replace(
            self.assignment, attempt=self.attempts, share=share, leases=self.leases
        )
        return self.assignment

    def has_left_lease(self, failure: Failure, *, is_dead: bool) -> bool:
        """Whether its last attempt left a lease, or found one, that nobody tried to release.

        Args:
            failure: Of that attempt.
            is_dead: Whether its worker died.
        """
        told = [each for each in self.leases if each not in self.assignment.leases]
        return bool(told) if is_dead else are_named(told, failure.task)
