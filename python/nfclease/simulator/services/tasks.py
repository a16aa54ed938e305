"""Tasks, and the task manager that lists them."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.history import collect_history
from nfclease.simulator.services.search import below
from nfclease.simulator.soap.neutral import is_set
from nfclease.simulator.soap.vsphere import MethodFault, fault, support, vim
from nfclease.simulator.world import Managed, World, now

_log = logging.getLogger(__name__)
_DELAY = 0.05  # a client shall see a task run
_RECENT = 5  # of an entity's tasks


class Task(Managed):
    """vim.Task. The work is a coroutine function, or someone calls ``finish``."""

    def __init__(self, world: World, method: str, entity: Managed | None) -> None:
        super().__init__(world, vim.Task, f"task-{world.number()}")
        self.props["info"] = self._info
        self.state: Any = vim.TaskInfo.State.running
        self._result: Any = None
        self._error: Any = None
        self.method = method
        self.user: str = world.options.user
        #: Whether others may export what it holds, as an export does while it reads.
        self.shared: bool = False
        self._entity = entity
        self._queued = now()
        self._completed: datetime.datetime | None = None
        self.progress: int = 0
        #: Stops what it stands for; None if nothing can.
        self.on_cancel: Callable[[], None] | None = None
        self.cancelled: bool = False
        manager = world.objects.get("TaskManager")
        if isinstance(manager, TaskManager):
            manager.tasks.append(self)

    def is_about(self, entity: Managed) -> bool:
        """Whether it is a task of this entity."""
        return self._entity is entity

    def _info(self) -> Any:
        entity = self._entity
        running = self.state == vim.TaskInfo.State.running
        kind = type(entity.ref)._wsdlName if entity else "Folder"
        name = self.method.removesuffix("_Task")
        return vim.TaskInfo(
            key=self.moid,
            task=self.ref,
            name=support.GetWsdlMethod("urn:vim25", self.method),
            descriptionId=f"{kind}.{support.Uncapitalize(name)}",
            entity=entity.ref if entity else None,
            entityName=entity.name if entity else None,
            state=self.state,
            cancelled=self.cancelled,
            cancelable=running and self.on_cancel is not None,
            error=self._error,
            result=self._result,
            progress=self.progress if running else None,
            reason=vim.TaskReasonUser(userName=self.user),
            queueTime=self._queued,
            startTime=self._queued,
            completeTime=self._completed,
            eventChainId=1,
        )

    def finish(self, result: Any = None, error: Any = None) -> None:
        """Ends the task."""
        if self.state != vim.TaskInfo.State.running:
            return
        states = vim.TaskInfo.State
        self.state = states.success if error is None else states.error
        self._result, self._error, self._completed = result, error, now()
        self.world.touch()

    def run(
        self, work: Callable[[], Awaitable[Any]], settle: Callable[[], None] | None = None
    ) -> Any:
        """Starts the work; returns the reference that the method answers with.

        Args:
            work: Gives the task's result.
            settle: Is called when the work is over, well or not, before the task ends.
        """

        async def to_its_end() -> Any:
            try:
                await self._obey_faults()
                return await work()
            finally:
                if settle is not None:
                    settle()

        async def body() -> None:
            try:
                result = await to_its_end()
            except MethodFault as error:
                self.finish(error=error)
            except asyncio.CancelledError:
                self.finish(error=fault("vmodl.fault.RequestCanceled"))
                raise
            except Exception as error:  # a task always ends
                _log.exception("%s failed", self.method)
                reason = f"simulator: {error!r}"
                self.finish(error=fault("vmodl.fault.SystemError", reason, reason=reason))
            else:
                self.finish(result)

        running = self.world.start(body())
        if self.method == "HttpNfcLeasePullFromUrls_Task":
            self.on_cancel = lambda: _stop(running)
        return self.ref

    async def _obey_faults(self) -> None:
        """Takes its time, or as much as a fault says, and fails if one says so."""
        facts = {"method": self.method}
        delay = self.world.faults.take("task_delay", facts)
        if delay is None:
            await asyncio.sleep(_DELAY)
        else:
            await self.world.faults.delay(delay, 1)
        failing = self.world.faults.take("task_error", facts)
        if failing is not None:
            raise fault(failing.get("fault", "vmodl.fault.SystemError"), failing.get("message"))


def _stop(running: asyncio.Task[Any]) -> None:
    running.cancel()


def recent(entity: Managed, holding: Sequence[Task] = ()) -> list[Any]:
    """An entity's ``recentTask``: what runs, what holds it, and the last that have ended."""
    manager = entity.world.objects["TaskManager"]
    assert isinstance(manager, TaskManager)
    own = [task for task in manager.tasks if task.is_about(entity)]
    running = [task for task in own if task.state == vim.TaskInfo.State.running]
    return [task.ref for task in dict.fromkeys([*own[-_RECENT:], *running, *holding])]


class TaskManager(Managed):
    """vim.TaskManager."""

    def __init__(self, world: World, moid: str) -> None:
        super().__init__(world, vim.TaskManager, moid, maxCollector=32)
        self.tasks: list[Task] = []
        self.props["recentTask"] = self._recent

    def _recent(self) -> list[Any]:
        """What runs, whenever it was started, and the last that have ended."""
        running = [task for task in self.tasks[:-20] if task.state == vim.TaskInfo.State.running]
        return [task.ref for task in (*running, *self.tasks[-20:])]


@handles(vim.Task, "CancelTask")
async def cancel(task: Task, call: Call) -> None:
    """Cancels what can be cancelled: the task of a lease."""
    if task.on_cancel is None or task.state != vim.TaskInfo.State.running:
        raise fault("vim.fault.InvalidState")
    task.cancelled = True
    task.on_cancel()


@handles(vim.TaskManager, "CreateCollectorForTasks")
async def collect(manager: TaskManager, call: Call) -> Any:
    """Something to page through them with."""
    asked = call.arg("filter")
    for info in asked._GetPropertyList():
        if is_set(getattr(asked, info.name)) and info.name not in ("entity", "state"):
            raise fault("vmodl.fault.NotSupported", f"tasks cannot be chosen by {info.name} here")

    def chosen() -> list[Any]:
        entities = _entities(manager.world, asked.entity) if asked.entity else None
        infos = [task.get("info") for task in manager.tasks]
        return [
            info
            for info in infos
            if (entities is None or (info.entity and info.entity._moId in entities))
            and (not asked.state or info.state in asked.state)
        ]

    return collect_history(manager.world, call, vim.TaskHistoryCollector, chosen)


def _entities(world: World, asked: Any) -> set[str]:
    """The ids of an entity, of those right below it, or of both and all that is further below."""
    top = world.find(asked.entity)
    under = [one.moid for one in below(top, asked.recursion == "all")]
    return {
        "self": {top.moid},
        "children": {*under},
        "all": {top.moid, *under},
    }[asked.recursion]
