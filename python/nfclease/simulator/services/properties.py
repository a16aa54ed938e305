"""The property collector: which objects a filter selects, and what it reads of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nfclease.simulator.registry import Call
from nfclease.simulator.soap.vsphere import DataObject, ManagedObject, cast, fault, support, vmodl
from nfclease.simulator.world import Managed, World

_Collector: Any = vmodl.query.PropertyCollector


def read(managed: Managed, path: str, version: str) -> Any:
    """The value of a property path such as ``config.hardware.device``; None if unset.

    Raises:
        vmodl.query.InvalidProperty: The type has no such property in this version.
    """
    head, *rest = path.split(".")
    if not managed.knows(head, version):
        raise fault("vmodl.query.InvalidProperty", f"no property {path}", name=path)
    if rest and path in managed.props:  # at hand without the whole object, of thousands of VMs
        return managed.props[path]()
    value = managed.get(head)
    for name in rest:
        if value is None:
            return None
        field, _, key = name.partition("[")
        try:  # a path ends at a reference: what is behind it is another object's
            info = value._GetPropertyInfo(field) if isinstance(value, DataObject) else None
        except AttributeError:
            info = None
        if info is None or not support.IsChildVersion(version, info.version):
            raise fault("vmodl.query.InvalidProperty", f"no property {path}", name=path)
        value = cast(getattr(value, info.name), info.type)
        if key:
            value = _element(value, key.rstrip("]").strip('"'))
    return value


def _element(values: Any, key: str) -> Any:
    return next((item for item in values or [] if str(getattr(item, "key", "")) == key), None)


def collect(world: World, spec: Any, version: str) -> list[Any]:
    """The ObjectContent of everything that a FilterSpec selects."""
    return [
        content
        for managed in _selected(world, spec, version).values()
        if (content := _content(managed, spec, version)) is not None
    ]


def _content(managed: Managed, spec: Any, version: str) -> Any:
    specs = [prop for prop in spec.propSet if isinstance(managed.ref, prop.type)]
    if not specs:
        return None
    content = _Collector.ObjectContent(obj=managed.ref)
    for path in dict.fromkeys(path for prop in specs for path in _paths(managed, prop, version)):
        value = read(managed, path, version)
        if value is not None:
            content.propSet.append(vmodl.DynamicProperty(name=path, val=value))
    return content


def _paths(managed: Managed, prop: Any, version: str) -> list[str]:
    if not prop.all:
        return list(prop.pathSet)
    infos = type(managed.ref)._GetPropertyList()
    return [info.name for info in infos if support.IsChildVersion(version, info.version)]


def _selected(world: World, spec: Any, version: str) -> dict[str, Managed]:
    named: dict[str, Any] = {}
    for start in spec.objectSet:
        named.update((s.name, s) for s in _nested(start.selectSet) if s.name)
    selected: dict[str, Managed] = {}
    visited: set[tuple[str, int]] = set()

    def visit(managed: Managed, skip: bool | None, select: Any) -> None:
        if not skip:
            selected[managed.moid] = managed
        for selection in select:
            traversal = selection
            if not isinstance(selection, _Collector.TraversalSpec):
                traversal = named.get(selection.name)
            if traversal is None or not isinstance(managed.ref, traversal.type):
                continue
            if (managed.moid, id(traversal)) in visited:
                continue
            visited.add((managed.moid, id(traversal)))
            for ref in _references(read(managed, traversal.path, version)):
                found = world.objects.get(ref._moId)
                if found is not None:
                    visit(found, traversal.skip, traversal.selectSet)

    for start in spec.objectSet:
        if spec.reportMissingObjectsInResults and start.obj._moId not in world.objects:
            continue
        visit(world.find(start.obj), start.skip, start.selectSet)
    return selected


def _nested(select: Any) -> Iterator[Any]:
    for selection in select:
        if isinstance(selection, _Collector.TraversalSpec):
            yield selection
            yield from _nested(selection.selectSet)


def _references(value: Any) -> list[Any]:
    if value is None:
        return []
    return [v for v in (value if isinstance(value, list) else [value]) if _is_reference(v)]


def _is_reference(value: Any) -> bool:
    return isinstance(value, ManagedObject)


class Pages:
    """What is left of results that were cut by ``maxObjects``, by token."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left: dict[str, tuple[list[Any], int]] = {}

    def first(self, contents: list[Any], limit: int | None) -> Any:
        """The first page; None when nothing was selected."""
        if not contents:
            return None
        return self._page(contents, limit or len(contents))

    def next(self, call: Call) -> Any:
        """The page of a token."""
        try:
            contents, limit = self._left.pop(call.arg("token"))
        except KeyError:
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="token") from None
        return self._page(contents, limit)

    def cancel(self, call: Call) -> None:
        """Forgets a token."""
        self._left.pop(call.arg("token"), None)

    def _page(self, contents: list[Any], limit: int) -> Any:
        result = _Collector.RetrieveResult(objects=contents[:limit])
        if contents[limit:]:
            result.token = self._world.uuid()
            self._left[result.token] = (contents[limit:], limit)
        return result
