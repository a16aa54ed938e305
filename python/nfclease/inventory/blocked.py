"""``BlockedError``: an entity that a task holds."""

from __future__ import annotations

from pyVmomi import vim

from nfclease._text import escaped, message, reason_of
from nfclease.exceptions import NfcError
from nfclease.inventory.tasks import blocking_tasks, row_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from nfclease.inventory.tasks import BlockingTask

__all__ = ["BlockedError", "blocked"]


class BlockedError(vim.fault.TaskInProgress, NfcError):
    """A task holds the VM: often that of a lease whose client has died.

    It is the server's own fault, too: ``except vim.fault.TaskInProgress`` catches it, and ``task``
    and ``msg`` are as the server said.

    Attributes:
        tasks: The tasks that hold it, the oldest first; empty where this user can see none.
        msg: The server's own sentence.
    """

    retryable: bool = True
    remedy: Literal["retry", "new_lease", "fix_input", "none"] = "retry"

    tasks: tuple[BlockingTask, ...] = ()
    msg: str | None

    def __init__(self, *args: object) -> None:
        vim.fault.TaskInProgress.__init__(self)
        object.__setattr__(self, "args", args)

    def __setattr__(self, name: str, value: object) -> None:  # pyvmomi's knows its fields alone
        object.__setattr__(self, name, value)

    def __str__(self) -> str:  # type: ignore[override]
        return message(Exception.__str__(self))

    def __repr__(self) -> str:  # type: ignore[override]
        return Exception.__repr__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles without what has a session: the tasks and the server's fault."""
        left = ("task", "tasks", "faultCause", "faultMessage", "dynamicProperty")
        state = {k: v for k, v in self.__dict__.items() if k not in left}
        return (type(self), self.args, state)


def blocked(entity: Any, fault: Any) -> Any:  # BlockedError: its base's types have gaps
    """The error for a ``vim.fault.TaskInProgress``; calls, to see who holds the entity."""
    tasks, unseen = _holding(entity, fault)
    what = {vim.VirtualApp: "vApp", vim.vm.Snapshot: "VM of snapshot"}.get(type(entity), "VM")
    holders = "; ".join(str(each) for each in tasks) or f"a task that this user cannot see{unseen}"
    error = BlockedError(
        f"the {what} {_name(entity, tasks)}is held by {holders}. {_way_out(tasks)}"
    )
    error.tasks, error.vm = tasks, "" if isinstance(entity, vim.vm.Snapshot) else entity._moId
    error.task, error.msg = fault.task, fault.msg
    error.faultCause, error.faultMessage = fault.faultCause, fault.faultMessage
    return error


def _holding(entity: Any, fault: Any) -> tuple[tuple[BlockingTask, ...], str]:
    """The tasks, the one that the fault names among them; or why nobody can tell."""
    try:
        found = blocking_tasks(entity)
        if not found and fault.task is not None:
            found = [row_of(fault.task)]
    except Exception as error:  # of the server: its first fault is the one to raise
        return (), f" ({reason_of(error)})"
    return tuple(found), ""


def _name(entity: Any, tasks: tuple[BlockingTask, ...]) -> str:
    moid = escaped(entity._moId)
    named = (each.entity_name for each in tasks if each.entity == entity)
    name = next((escaped(each) for each in named if each), "")
    return f"{name} ({moid}) " if name else f"{moid} "


def way_out_of_lease() -> str:
    """What frees an entity that a lease holds which nobody uses any more."""
    return (
        "cancel its task (CancelTask, or `nfclease release`); a lease that nobody renews ends by "
        "itself, as a rule after five minutes"
    )


def _way_out(tasks: tuple[BlockingTask, ...]) -> str:
    """What frees the entity."""
    if any(each.is_lease and each.cancelable for each in tasks):
        return f"If nobody transfers over that lease any more, {way_out_of_lease()}"
    if any(each.cancelable for each in tasks):
        return "Wait for its end, or cancel the task (CancelTask, or `nfclease release`)"
    return "Wait for its end, and try again"
