"""PropertyCollector objects: one-off reads, filters, and waiting for updates."""

from __future__ import annotations

import dataclasses
from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.properties import Pages, collect
from nfclease.simulator.soap.envelope import text_of
from nfclease.simulator.soap.vsphere import fault, vmodl
from nfclease.simulator.world import Managed, Session, World

_Api: Any = vmodl.query.PropertyCollector


class Filter(Managed):
    """A filter, and what its client was last told."""

    def __init__(self, world: World, spec: Any, partial: bool, updates: Updates) -> None:
        super().__init__(
            world,
            _Api.Filter,
            world.session_moid(),
            spec=spec,
            partialUpdates=partial,
        )
        self.updates = updates
        self.told: dict[str, dict[str, str]] = {}

    def forget(self) -> None:
        """Takes the filter out of its collector too."""
        if self in self.updates.filters:
            self.updates.filters.remove(self)
        super().forget()

    def news(self, version: str) -> Any:
        """A FilterUpdate of what has changed since the last one; None if nothing has."""
        told, self.told, changed = self.told, {}, []
        for content in collect(self.world, self.props["spec"], version):
            moid = content.obj._moId
            values = {prop.name: prop.val for prop in content.propSet}
            texts = {name: text_of(value, version) for name, value in values.items()}
            self.told[moid] = texts
            before = told.get(moid, {})
            names = [n for n in {**before, **texts} if before.get(n) != texts.get(n)]
            if moid not in told or names:
                changed.append(_object_update(content.obj, moid not in told, names, values))
        for moid in told.keys() - self.told.keys():
            gone = self.world.objects.get(moid)
            ref = gone.ref if gone else self._reference(moid)
            changed.append(_Api.ObjectUpdate(kind=_Api.ObjectUpdate.Kind.leave, obj=ref))
        return _Api.FilterUpdate(filter=self.ref, objectSet=changed) if changed else None

    def _reference(self, moid: str) -> Any:
        starts = {start.obj._moId: start.obj for start in self.props["spec"].objectSet}
        return starts.get(moid) or self.props["spec"].propSet[0].type(moid)


def _object_update(ref: Any, new: bool, names: list[str], values: dict[str, Any]) -> Any:
    kind = _Api.ObjectUpdate.Kind.enter if new else _Api.ObjectUpdate.Kind.modify
    changes = [
        _Api.Change(name=name, op=_Api.Change.Op.assign, val=values.get(name)) for name in names
    ]
    return _Api.ObjectUpdate(kind=kind, obj=ref, changeSet=changes)


@dataclasses.dataclass
class Updates:
    """The filters of one client and the version that it has seen."""

    filters: list[Filter] = dataclasses.field(default_factory=list)
    version: int = 0
    last: Any = None
    cancelled: int = 0
    open: bool = True

    def since(self, seen: str, version: str) -> Any:
        """An UpdateSet, or None if the client has seen everything.

        Raises:
            vmodl.query.InvalidCollectorVersion: ``seen`` is not a version of this collector.
        """
        if not seen:
            for one in self.filters:
                one.told = {}
        elif seen == str(self.version - 1) and self.last is not None:
            return self.last  # the reply was lost
        elif seen != str(self.version):
            raise fault("vmodl.query.InvalidCollectorVersion")
        news = [update for one in self.filters if (update := one.news(version)) is not None]
        if not news:
            return None
        self.version += 1
        self.last = _Api.UpdateSet(version=str(self.version), filterSet=news)
        return self.last


class PropertyCollector(Managed):
    """vmodl.query.PropertyCollector; the service's own keeps filters per session."""

    def __init__(self, world: World, moid: str) -> None:
        super().__init__(world, _Api, moid)
        self._updates: dict[str, Updates] = {}
        self.pages: Pages = Pages(world)

    def updates_of(self, session: Session | None) -> Updates:
        """The filters of a client; the service's own collector has many clients."""
        return self._updates.setdefault(session.cookie if session else "", Updates())

    def forget(self) -> None:
        """Ends its filters and those who wait for them."""
        for updates in self._updates.values():
            updates.open = False
            for one in list(updates.filters):
                one.forget()
        super().forget()


@handles(_Api.Filter, "DestroyPropertyFilter")
async def destroy_filter(filter: Filter, call: Call) -> None:
    """Ends the filter."""
    filter.forget()


@handles(_Api, "RetrieveProperties")
async def retrieve(collector: PropertyCollector, call: Call) -> Any:
    """Everything at once, the oldest way to read."""
    return [
        content
        for spec in call.arg("specSet", [])
        for content in collect(collector.world, spec, call.version)
    ]


@handles(_Api, "RetrievePropertiesEx")
async def retrieve_ex(collector: PropertyCollector, call: Call) -> Any:
    """In pages."""
    options = call.arg("options")
    return collector.pages.first(
        await retrieve(collector, call), options.maxObjects if options else None
    )


@handles(_Api, "ContinueRetrievePropertiesEx")
async def continue_retrieve(collector: PropertyCollector, call: Call) -> Any:
    """The next page."""
    return collector.pages.next(call)


@handles(_Api, "CancelRetrievePropertiesEx")
async def cancel_retrieve(collector: PropertyCollector, call: Call) -> None:
    """Forgets the pages that are left."""
    collector.pages.cancel(call)


@handles(_Api, "CreatePropertyCollector")
async def create_collector(collector: PropertyCollector, call: Call) -> Any:
    """A collector of the client's own."""
    return call.own(PropertyCollector(collector.world, collector.world.session_moid()))


@handles(_Api, "DestroyPropertyCollector")
async def destroy_collector(collector: PropertyCollector, call: Call) -> None:
    """Ends a collector and its filters."""
    collector.forget()


@handles(_Api, "CreateFilter")
async def create_filter(collector: PropertyCollector, call: Call) -> Any:
    """Adds a filter."""
    updates = collector.updates_of(call.session)
    spec = call.arg("spec")
    collect(collector.world, spec, call.version)  # unknown objects and properties are refused now
    created = Filter(collector.world, spec, bool(call.arg("partialUpdates")), updates)
    updates.filters.append(created)
    collector.world.touch()
    return call.own(created)


@handles(_Api, "CheckForUpdates")
async def check(collector: PropertyCollector, call: Call) -> Any:
    """What has changed, without waiting."""
    return collector.updates_of(call.session).since(call.arg("version", ""), call.version)


@handles(_Api, "WaitForUpdates")
async def wait(collector: PropertyCollector, call: Call) -> Any:
    """What has changed, when something has."""
    return await _wait(collector, call, None)


@handles(_Api, "WaitForUpdatesEx")
async def wait_ex(collector: PropertyCollector, call: Call) -> Any:
    """The same, for so many seconds at most."""
    options = call.arg("options")
    return await _wait(collector, call, options.maxWaitSeconds if options else None)


@handles(_Api, "CancelWaitForUpdates")
async def cancel_wait(collector: PropertyCollector, call: Call) -> None:
    """Sends those who wait away."""
    collector.updates_of(call.session).cancelled += 1
    collector.world.touch()


async def _wait(collector: PropertyCollector, call: Call, seconds: float | None) -> Any:
    updates = collector.updates_of(call.session)
    cancelled = updates.cancelled
    until = None if seconds is None else collector.world.clock() + seconds
    while True:
        update = updates.since(call.arg("version", ""), call.version)
        if update is not None:
            return update
        left = None if until is None else until - collector.world.clock()
        if left is not None and left <= 0:
            return None
        await collector.world.changed(left)
        if call.session and call.session.cookie not in collector.world.sessions:
            raise fault("vim.fault.NotAuthenticated", object=collector.ref)
        if not updates.open or updates.cancelled != cancelled:
            raise fault("vmodl.fault.RequestCanceled")
