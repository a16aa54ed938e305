"""What has happened: the event manager, and collectors that page through events and tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Call, Managed, World, answers


class Collector(Managed):
    """A history collector: pages of a list, newest first, from where its client stands."""

    def __init__(
        self, world: World, kind: Any, filter: Any, items: Callable[[], list[Any]]
    ) -> None:
        super().__init__(world, kind, f"session[{world.uuid()}]{world.uuid()}", filter=filter)
        self._items = items
        self._at, self._page = 0, 10
        self.props["latestPage"] = lambda: self._newest()[: self._page]

    def _newest(self) -> list[Any]:
        return list(reversed(self._items()))

    @answers("SetCollectorPageSize")
    async def set_page(self, call: Call) -> None:
        """How many ``latestPage`` has."""
        size = call.arg("maxCount")
        if size < 1:
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="maxCount")
        self._page = size

    @answers("RewindCollector")
    async def rewind(self, call: Call) -> None:
        """Stands before the oldest."""
        self._at = 0

    @answers("ResetCollector")
    async def reset(self, call: Call) -> None:
        """Stands behind the newest."""
        self._at = len(self._items())

    @answers("ReadNextEvents", "ReadNextTasks")
    async def read_next(self, call: Call) -> Any:
        """Newer ones."""
        found = self._items()[self._at :][: call.arg("maxCount")]
        self._at += len(found)
        return found

    @answers("ReadPreviousEvents", "ReadPreviousTasks")
    async def read_previous(self, call: Call) -> Any:
        """Older ones."""
        end, self._at = self._at, max(self._at - call.arg("maxCount"), 0)
        return self._items()[self._at : end]

    @answers("DestroyCollector")
    async def destroy(self, call: Call) -> None:
        """Ends it."""
        self.forget()


def collect_history(world: World, call: Call, kind: Any, items: Callable[[], list[Any]]) -> Any:
    """A new collector of the calling session; returns its reference."""
    made = Collector(world, kind, call.arg("filter"), items)
    if call.session:
        call.session.owned.append(made)
    return made.ref


class EventManager(Managed):
    """vim.event.EventManager: nothing here makes events."""

    def __init__(self, world: World, kind: Any, moid: str) -> None:
        super().__init__(world, kind, moid, maxCollector=1000)

    @answers("QueryEvents")
    async def query(self, call: Call) -> Any:
        """All that match."""
        return []

    @answers("CreateCollectorForEvents")
    async def collect(self, call: Call) -> Any:
        """Something to page through them with."""
        return collect_history(self.world, call, vim.event.EventHistoryCollector, list)
