"""Leases that a dead worker left: released before their job is tried again."""

from __future__ import annotations

from dataclasses import replace

from pyVmomi import vim, vmodl

from nfclease._log import logger
from nfclease._text import escaped, message, reason_of
from nfclease.inventory import blocking_tasks, cancel_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease.fleet._lease_notes import LeaseNote
    from nfclease.fleet.failures import Failure
    from nfclease.fleet.jobs import Job
    from nfclease.inventory import BlockingTask

#: Seconds for the end of a task. A run that stops waits for its workers a little longer.
_PATIENCE = 8.0


def release(job: Job, service: Any, notes: Sequence[LeaseNote]) -> str:
    """Cancels the tasks of leases that earlier attempts of a job opened, and waits for their ends.

    The server then removes the VM that such a lease was making. Any other task is left alone, also
    one that looks alike; the job itself says that it holds the VM.

    Args:
        job: Of which no attempt runs now.
        service: A session of it.
        notes: What its attempts have told of their leases in that session.

    Returns:
        What could not be cancelled and why, for people, or empty.
    """
    refused: list[str] = []
    for entity in {note.vm: note.entity(service) for note in notes}.values():
        for task in _holding(entity):
            if any(note.vm == entity._moId and note.is_of(task) for note in notes):
                refused += _cancelled(job, task)
    return "; ".join(refused)


def owner_of_name(error: BaseException) -> Any:
    """What has the name that a job wanted to give; None of any other error."""
    fault = getattr(error, "fault", None) or error
    return fault.object if isinstance(fault, vim.fault.DuplicateName) else None


def taken(failure: Failure, owner: Any) -> Failure:
    """Says that a name may get free where an import is still making what has it; calls."""
    makers = [each for each in _holding(owner) if "importvapp" in each.operation.lower()]
    if not makers:
        return failure
    reason = f"{failure.reason}: it is of a VM that an import makes, {makers[0]}"
    return replace(failure, verdict="later", reason=message(reason), task=str(makers[0]))


def explained(failure: Failure, refused: str) -> Failure:
    """Says of a VM that is held, or a name, what could not be released."""
    if not refused or failure.verdict != "later":
        return failure
    return replace(failure, reason=message(f"{refused}; {failure.reason}"))


def _holding(vm: Any) -> list[BlockingTask]:
    try:
        return blocking_tasks(vm)
    except vmodl.fault.ManagedObjectNotFound:  # the VM is gone
        return []
    except Exception as error:  # the job itself says more, where it matters
        logger().warning("who holds %s cannot be read: %s", escaped(vm._moId), reason_of(error))
        return []


def _cancelled(job: Job, task: BlockingTask) -> list[str]:
    """What is wrong; nothing where the task has ended."""
    try:
        why = "" if cancel_task(task, _PATIENCE) else "it goes on (InvalidState, or it takes long)"
    except vmodl.MethodFault as fault:
        why = reason_of(fault)
    if not why:
        logger().warning("%s: its worker died, and its lease is released: %s", job.key, task)
        return []
    text = f"the lease of a worker that died, {escaped(task.key)}, is not released: {why}"
    logger().warning("%s: %s", job.key, text)
    return [text]
