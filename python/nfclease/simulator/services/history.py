"""What has happened: the event manager, and collectors that page through events and tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, World


class Collector(Managed):
    """A history collector: pages of a list, newest first, from where its client stands."""

    def __init__(
        self, world: World, kind: Any, filter: Any, items: Callable[[], list[Any]]
    ) -> None:
        super().__init__(world, kind, world.session_moid(), filter=filter)
        self.items = items
        self.at: int = 0
        self.page: int = 10
        self.props["latestPage"] = lambda: self._newest()[: self.page]

    def _newest(self) -> list[Any]:
        return list(reversed(self.items()))


def collect_history(world: World, call: Call, kind: Any, items: Callable[[], list[Any]]) -> Any:
    """A new collector of the calling session; returns its reference."""
    return call.own(Collector(world, kind, call.arg("filter"), items))


class EventManager(Managed):
    """vim.event.EventManager: nothing here makes events."""

    def __init__(self, world: World, kind: Any, moid: str) -> None:
        super().__init__(world, kind, moid, maxCollector=1000)


@handles(vim.HistoryCollector, "SetCollectorPageSize")
async def set_page(collector: Collector, call: Call) -> None:
    """How many ``latestPage`` has."""
    size = call.arg("maxCount")
    if size < 1:
        raise fault("vmodl.fault.InvalidArgument", invalidProperty="maxCount")
    collector.page = size


@handles(vim.HistoryCollector, "RewindCollector")
async def rewind(collector: Collector, call: Call) -> None:
    """Stands before the oldest."""
    collector.at = 0


@handles(vim.HistoryCollector, "ResetCollector")
async def reset(collector: Collector, call: Call) -> None:
    """Stands behind the newest."""
    collector.at = len(collector.items())


@handles(vim.event.EventHistoryCollector, "ReadNextEvents")
@handles(vim.TaskHistoryCollector, "ReadNextTasks")
async def read_next(collector: Collector, call: Call) -> Any:
    """Newer ones."""
    found = collector.items()[collector.at :][: call.arg("maxCount")]
    collector.at += len(found)
    return found


@handles(vim.event.EventHistoryCollector, "ReadPreviousEvents")
@handles(vim.TaskHistoryCollector, "ReadPreviousTasks")
async def read_previous(collector: Collector, call: Call) -> Any:
    """Older ones."""
    end, collector.at = collector.at, max(collector.at - call.arg("maxCount"), 0)
    return collector.items()[collector.at : end]


@handles(vim.HistoryCollector, "DestroyCollector")
async def destroy(collector: Collector, call: Call) -> None:
    """Ends it."""
    collector.forget()


@handles(vim.event.EventManager, "QueryEvents")
async def query(manager: EventManager, call: Call) -> Any:
    """All that match."""
    return []


@handles(vim.event.EventManager, "CreateCollectorForEvents")
async def collect(manager: EventManager, call: Call) -> Any:
    """Something to page through them with."""
    return collect_history(manager.world, call, vim.event.EventHistoryCollector, list)
