"""What a run tells whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from nfclease.fleet.outcomes import Outcome

__all__ = ["Event"]


@dataclass(frozen=True)
class Event:
    """A change in a run.

    Attributes:
        kind: ``planned``, ``waiting``, ``started``, ``moved`` (bytes), ``ended`` or ``stopping``.
        at: Seconds since 1970.
        key: The job's; empty where it is of the run.
        vm: Its VM, as the job has it.
        host: The host that the VM runs on.
        vcenter: The name of the session.
        disks: How many disks it has.
        bytes: How many moved so far.
        total: Bytes at most; 0 where nobody knows.
        reason: Why it waits, or failed.
        outcome: How it ended; None before that.

    Examples:
        >>> from nfclease.fleet import Event
        >>> Event("waiting", 0.0, vm="web", reason="host esx3: 8 of 8 disks").kind
        'waiting'
    """

    kind: Literal["planned", "waiting", "started", "moved", "ended", "stopping"]
    at: float
    key: str = ""
    vm: str = ""
    host: str = ""
    vcenter: str = ""
    disks: int = 0
    bytes: int = 0
    total: int = 0
    reason: str = ""
    outcome: Outcome | None = None
