"""The tasks that hold a VM, and those of leases."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from pyVmomi import vim, vmodl

from nfclease._text import escaped
from nfclease.inventory._reading import content_of, read, step

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from typing import Any

__all__ = ["BlockingTask", "blocking_tasks", "cancel_task", "lease_tasks"]

#: How servers name the task of a lease: ``VirtualMachine.exportVm`` of an import or export by the
#: API, ``VirtualMachine.ExportVmLRO`` and the like of vCenter, with ``vim.`` before it at a host.
_OF_A_LEASE = re.compile(r"(.+\.)?(exportVm|exportVApp|exportSnapshot|importVApp)(LRO)?", re.I)
_STATES = (vim.TaskInfo.State.running, vim.TaskInfo.State.queued)
#: Seconds between two looks at a task that was cancelled.
_AGAIN = 0.25


@dataclass(frozen=True, slots=True)
class BlockingTask:
    """A task that holds an entity: it runs, or waits for its turn.

    Attributes:
        task: pyvmomi's task; `cancel_task` cancels it and waits for its end.
        key: Its id, such as ``task-123``.
        operation: What it does, such as ``VirtualMachine.exportVm``: ``TaskInfo.descriptionId``.
        entity: What it is about; None where the server does not say.
        entity_name: The name of that.
        user: Who started it: a user, a scheduled task, an alarm or the system.
        started: Since when, by the server's clock; None where it does not say.
        state: ``running`` or ``queued``.
        progress: Percent; None where the server does not say.
        cancelable: Whether it can be cancelled.
        is_lease: Whether it is the task of an ``HttpNfcLease``, which ends with its lease.

    Examples:
        >>> from nfclease.inventory import blocking_tasks
        >>> raw = vm.ExportVm()
        >>> [held] = blocking_tasks(vm)
        >>> held.operation, held.is_lease
        ('VirtualMachine.exportVm', True)
    """

    task: vim.Task
    key: str
    operation: str
    entity: Any
    entity_name: str
    user: str
    started: datetime.datetime | None
    state: str
    progress: int | None
    cancelable: bool
    is_lease: bool

    def __str__(self) -> str:
        """In one line: which, what, since when, by whom."""
        since = f"{self.started:%Y-%m-%d %H:%M:%S %Z}".rstrip() if self.started else "unknown"
        what = f"{escaped(self.operation)} of {escaped(self.user)}"
        return f"{escaped(self.key)}: {what}, {self.state} since {since}"


def blocking_tasks(
    entity: vim.VirtualMachine | vim.VirtualApp | vim.vm.Snapshot,
) -> list[BlockingTask]:
    """The tasks that run on an entity or wait for it, and so hold it; the oldest first.

    A client that dies leaves its lease, whose task holds the VM until the lease ends for want of
    ``HttpNfcLeaseProgress`` (300 s on most servers), or until somebody cancels the task
    (`cancel_task`). Read in one call of the PropertyCollector, from ``recentTask`` of the VM, of
    the vApp that it is in, and of the VMs of a vApp.

    Args:
        entity: A VM, a vApp, or a snapshot, for its VM.

    Returns:
        A row for each; empty when nothing holds it that this user can see.

    Raises:
        TypeError: It is something else.
        vmodl.MethodFault: The server refused a call.

    Examples:
        >>> from nfclease.inventory import blocking_tasks, cancel_task
        >>> raw = vm.ExportVm()
        >>> for held in blocking_tasks(vm):
        ...     if held.is_lease and held.cancelable:
        ...         print(cancel_task(held))
        True
        >>> blocking_tasks(vm)
        []
    """
    wanted = (vim.VirtualMachine, vim.VirtualApp, vim.vm.Snapshot)
    if not isinstance(entity, wanted):
        raise TypeError(
            "entity must be a vim.VirtualMachine, a vim.VirtualApp or a vim.vm.Snapshot, "
            f"not {type(entity).__name__}"
        )
    tasks = step("tasks", vim.ManagedEntity, "recentTask")
    owner = step("owner", vim.VirtualMachine, "parentVApp", ["tasks"])
    machine = step("machine", vim.vm.Snapshot, "vm", ["tasks", "owner"])
    inside = step("inside", vim.VirtualApp, "vm", ["tasks"])
    nested = step("nested", vim.VirtualApp, "resourcePool", ["tasks", "inside", "nested"])
    steps = [tasks, owner, machine, inside, nested]
    return _read(content_of(entity._stub).propertyCollector, entity, steps)


def lease_tasks(service_instance: vim.ServiceInstance) -> list[BlockingTask]:
    """The tasks of all leases that this user can see, whoever holds them; the oldest first.

    Read in one call of the PropertyCollector, from the TaskManager's ``recentTask``, where the
    server lists what runs.

    Args:
        service_instance: pyvmomi's, logged in.

    Returns:
        A row for each.

    Raises:
        vmodl.MethodFault: The server refused a call.

    Examples:
        >>> from nfclease.inventory import lease_tasks
        >>> raw = vm.ExportVm()
        >>> [(each.entity_name, each.operation) for each in lease_tasks(service)]
        [('demo-vm', 'VirtualMachine.exportVm')]
    """
    content = service_instance.RetrieveContent()
    steps = [step("tasks", vim.TaskManager, "recentTask")]
    found = _read(content.propertyCollector, content.taskManager, steps)
    return [each for each in found if each.is_lease]


def cancel_task(task: BlockingTask, timeout: float = 60.0) -> bool:
    """Cancels a task (``CancelTask``) and waits for its end, after which it holds nothing more.

    The lease of a task ends with it: a transfer over it fails, and a VM that an import was making
    is removed. Cancel that of a client that lives no more.

    Args:
        task: Which, as `blocking_tasks` or `lease_tasks` gave it.
        timeout: Seconds to wait for its end, 0 or more.

    Returns:
        Whether it has ended. False where it goes on: it cannot be cancelled in its present state
        (``vim.fault.InvalidState``), or `timeout` is over.

    Raises:
        vim.fault.NoPermission: It is another user's, and this one lacks ``Global.CancelTask``.
        vmodl.MethodFault: The server refused a call for another reason.

    Examples:
        >>> from nfclease.inventory import cancel_task, lease_tasks
        >>> raw = vm.ExportVm()
        >>> [held] = lease_tasks(service)
        >>> cancel_task(held), raw.state
        (True, 'error')
    """
    until = time.monotonic() + timeout
    try:
        try:
            task.task.CancelTask()
        except vim.fault.InvalidState:  # it has ended meanwhile, or cannot be cancelled
            until = 0.0
        while task.task.info.state in _STATES:
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_AGAIN, left))
    except vmodl.fault.ManagedObjectNotFound:
        pass  # it has ended, and is forgotten
    return True


def _read(collector: Any, start: Any, steps: list[Any]) -> list[BlockingTask]:
    infos = [
        (task, values["info"])
        for task, values in read(collector, start, steps, {vim.Task: ("info",)})
        if isinstance(values.get("info"), vim.TaskInfo)
    ]
    rows = [_row(task, info) for task, info in infos if info.state in _STATES]
    return sorted(rows, key=lambda row: (row.started.timestamp() if row.started else 0, row.key))


def row_of(task: vim.Task) -> BlockingTask:
    """What a task is; calls."""
    return _row(task, task.info)


def _row(task: vim.Task, info: Any) -> BlockingTask:
    operation = str(info.descriptionId or info.name or "")
    return BlockingTask(
        task=task,
        key=str(info.key or task._moId),
        operation=operation,
        entity=info.entity,
        entity_name=str(info.entityName or ""),
        user=_user(info.reason),
        started=info.startTime or info.queueTime,
        state=str(info.state),
        progress=info.progress,
        cancelable=bool(info.cancelable),
        is_lease=_OF_A_LEASE.fullmatch(operation) is not None,
    )


def _user(reason: Any) -> str:
    if isinstance(reason, vim.TaskReasonUser):
        return str(reason.userName or "an unknown user")
    if isinstance(reason, vim.TaskReasonSchedule):
        return f"the scheduled task {reason.name}"
    if isinstance(reason, vim.TaskReasonAlarm):
        return f"the alarm {reason.alarmName}"
    return "the system"
