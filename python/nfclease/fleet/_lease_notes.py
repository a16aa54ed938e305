"""What is noted of a lease's task, so that a later attempt recognises it and no other one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from nfclease.fleet.sessions import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from nfclease.fleet.jobs import Job
    from nfclease.inventory import BlockingTask


@dataclass(frozen=True, slots=True)
class LeaseNote:
    """The task of one lease.

    Attributes:
        session: The name of its session.
        vm: The moId of the VM that it holds.
        task: The task's key. A host counts its tasks anew after a restart, so it is not enough.
        started: Since when it runs, by the server's clock, in ISO's format.
        user: Whose it is.
    """

    session: str
    vm: str
    task: str
    started: str
    user: str

    @classmethod
    def of(cls, task: BlockingTask, session: str, vm: str) -> Self:
        """That of a task which the server lists."""
        return cls(session, vm, task.key, _moment(task), task.user)

    def to_text(self) -> str:
        """As it is told and kept."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """The note that `to_text` made a text of; None for any other text."""
        try:
            read = json.loads(text)
            made = cls(**read)
        except (ValueError, TypeError, RecursionError):
            return None
        return made if all(isinstance(each, str) and each for each in read.values()) else None

    def is_of(self, task: BlockingTask) -> bool:
        """Whether it is this task, and still that of a lease."""
        said = (task.key, _moment(task), task.user)
        return task.is_lease and said == (self.task, self.started, self.user)


def notes_of(job: Job, leases: Iterable[str]) -> list[LeaseNote]:
    """What is known of the leases that earlier attempts of a job had at its session."""
    notes = (LeaseNote.from_text(each) for each in leases)
    return [note for note in notes if note is not None and note.session == name_of(job.session)]


def are_named(leases: Iterable[str], task: str) -> bool:
    """Whether the task that a ``Failure`` names is one of these."""
    notes = (LeaseNote.from_text(each) for each in leases)
    return any(note is not None and task.startswith(f"{note.task}: ") for note in notes)


def _moment(task: BlockingTask) -> str:
    return task.started.isoformat() if task.started is not None else ""
