"""Properties of many objects in one call of the PropertyCollector, page after page."""

from __future__ import annotations

from pyVmomi import vim, vmodl

from nfclease.exceptions import LimitExceededError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

_Collector = vmodl.query.PropertyCollector
_POWER = "runtime.powerState"
#: Objects of one page: a reply of some hundred KB.
_PAGE = 2000
#: Objects of one answer. The largest vCenter has some ten thousand.
_MOST = 500_000
#: Pages that hold nothing and yet promise more.
_EMPTY_PAGES = 100


def content_of(stub: Any) -> Any:
    """The ``ServiceContent`` of a session; one call."""
    return vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()


def read(
    collector: Any, start: Any, steps: Iterable[Any], properties: Mapping[Any, Iterable[str]]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each object that the steps lead to, with those of its properties that it has.

    Args:
        collector: The session's ``PropertyCollector``.
        start: Where the steps begin; itself read where `properties` has its type.
        steps: Traversals, each of which knows the others by name.
        properties: Names of properties, by type.

    Raises:
        LimitExceededError: It does not end.
    """
    spec = _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=start, skip=False, selectSet=list(steps))],
        propSet=[
            _Collector.PropertySpec(type=kind, all=False, pathSet=list(names))
            for kind, names in properties.items()
        ],
    )
    yield from _pages(collector, spec)


def read_each(
    entities: Iterable[Any], kind: Any, names: Iterable[str]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """These entities of one session, each with those of the named properties that it has.

    It asks for these properties alone: of the whole ``runtime`` of a vcsim's VM, say, pyvmomi
    cannot read every part.
    """
    entities = list(entities)
    if not entities:
        return
    spec = _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=entity) for entity in entities],
        propSet=[_Collector.PropertySpec(type=kind, pathSet=list(names))],
    )
    yield from _pages(content_of(entities[0]._stub).propertyCollector, spec)


def power_state(vm: Any) -> Any:
    """Of a VM; None where the server does not say."""
    return next((has.get(_POWER) for _, has in read_each([vm], vim.VirtualMachine, [_POWER])), None)


def _pages(collector: Any, spec: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    options = _Collector.RetrieveOptions(maxObjects=_PAGE)
    page = collector.RetrievePropertiesEx(specSet=[spec], options=options)
    count = empty = 0
    while page is not None:
        count += len(page.objects)
        empty += not page.objects
        _check(count, empty)
        for found in page.objects:
            yield found.obj, {each.name: each.val for each in found.propSet}
        if not page.token:
            return
        page = collector.ContinueRetrievePropertiesEx(token=page.token)


def _check(count: int, empty: int) -> None:
    for what, allowed, seen in (("objects", _MOST, count), ("pages", _EMPTY_PAGES, empty)):
        if seen > allowed:
            error = LimitExceededError(
                f"the server lists more than {allowed} {'empty ' * (what == 'pages')}{what} "
                "of its inventory: no vCenter has as many"
            )
            error.limit, error.allowed, error.seen = f"inventory_{what}", allowed, seen
            raise error


def step(name: str, kind: Any, path: str, then: Iterable[str] = ()) -> Any:
    """A traversal from objects of a kind over one of their properties, and on by other steps."""
    return _Collector.TraversalSpec(
        name=name,
        type=kind,
        path=path,
        skip=False,
        selectSet=[_Collector.SelectionSpec(name=each) for each in then],
    )
