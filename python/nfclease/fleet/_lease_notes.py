"""What is noted of a lease's task, so that a later attempt recognises it and no other one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from pyVmomi import vim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from typing_extensions import Self

    from nfclease.inventory import BlockingTask

_KINDS: dict[str, Any] = {"VirtualMachine": vim.VirtualMachine, "VirtualApp": vim.VirtualApp}


@dataclass(frozen=True, slots=True)
class LeaseNote:
    """The task of one lease.

    Attributes:
        session: The name of its session.
        vm: The moId of the VM or vApp that it holds.
        task: The task's key. A host counts its tasks anew after a restart, so it is not enough.
        started: Since when it runs, by the server's clock, in ISO's format.
        user: Whose it is.
        kind: What it holds: ``VirtualMachine`` or ``VirtualApp``.
    """

    session: str
    vm: str
    task: str
    started: str
    user: str
    kind: str = "VirtualMachine"

    @classmethod
    def of(cls, task: BlockingTask, session: str, entity: Any) -> Self:
        """That of a task which the server lists, and which holds this VM or vApp."""
        kind = type(entity)._wsdlName
        return cls(session, entity._moId, task.key, _moment(task), task.user, kind)

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
        are_texts = all(isinstance(each, str) and each for each in read.values())
        return made if are_texts and made.kind in _KINDS else None

    def entity(self, service: Any) -> Any:
        """What it holds, as an object of its session."""
        return _KINDS[self.kind](self.vm, service._stub)

    def is_of(self, task: BlockingTask) -> bool:
        """Whether it is this task, and still that of a lease."""
        said = (task.key, _moment(task), task.user)
        return task.is_lease and said == (self.task, self.started, self.user)


def notes_of(session: str, leases: Iterable[str]) -> list[LeaseNote]:
    """What is known of the leases that earlier attempts of a job had at one session."""
    notes = (LeaseNote.from_text(each) for each in leases)
    return [note for note in notes if note is not None and note.session == session]


def are_named(leases: Iterable[str], task: str) -> bool:
    """Whether the task that a ``Failure`` names is one of these."""
    notes = (LeaseNote.from_text(each) for each in leases)
    return any(note is not None and task.startswith(f"{note.task}: ") for note in notes)


def _moment(task: BlockingTask) -> str:
    return task.started.isoformat() if task.started is not None else ""
