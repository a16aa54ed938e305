"""Finding entities: container views and the search index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, World

# What is below an entity, by type: for paths, and for views.
_CHILDREN: list[tuple[Any, tuple[str, ...]]] = [
    (vim.Folder, ("childEntity",)),
    (vim.Datacenter, ("vmFolder", "hostFolder", "datastoreFolder", "networkFolder")),
    (vim.ComputeResource, ("host", "resourcePool")),
    (vim.ResourcePool, ("resourcePool", "vm")),
]

_CONTAINERS = (
    vim.Folder,
    vim.Datacenter,
    vim.ComputeResource,
    vim.ResourcePool,
    vim.HostSystem,
)
_IN_VIEWS: list[tuple[Any, tuple[str, ...]]] = [(vim.HostSystem, ("vm",))]


class ViewManager(Managed):
    """vim.view.ViewManager."""

    def __init__(self, world: World, moid: str) -> None:
        super().__init__(world, vim.view.ViewManager, moid)


class ContainerView(Managed):
    """vim.view.ContainerView."""

    def __init__(self, world: World, root: Managed, types: list[Any], recursive: bool) -> None:
        super().__init__(world, vim.view.ContainerView, world.session_moid())
        wanted = tuple(types) or (vim.ManagedEntity,)
        self.props.update(
            container=root.ref,
            type=types,
            recursive=recursive,
            view=lambda: [m.ref for m in below(root, recursive) if isinstance(m.ref, wanted)],
        )


class ListView(Managed):
    """vim.view.ListView."""

    def __init__(self, world: World, refs: list[Any]) -> None:
        super().__init__(world, vim.view.ListView, world.session_moid(), view=refs)


def children(managed: Managed, view: bool = False) -> list[Managed]:
    """The entities right below one; in a view a host has its VMs, which no path does."""
    refs: dict[str, Any] = {}
    for kind, names in [*_CHILDREN, *(_IN_VIEWS if view else ())]:
        if isinstance(managed.ref, kind):
            for name in names:
                value = managed.get(name)
                for ref in value if isinstance(value, list) else [value]:
                    if ref is not None:
                        refs[ref._moId] = ref
    objects = managed.world.objects
    return [objects[moid] for moid in refs if moid in objects]


def below(managed: Managed, recursive: bool) -> Iterator[Managed]:
    """All entities below one, each once."""
    seen: set[str] = set()
    waiting = children(managed, view=True)
    while waiting:
        child = waiting.pop(0)
        if child.moid in seen:
            continue
        seen.add(child.moid)
        yield child
        if recursive:
            waiting.extend(children(child, view=True))


class SearchIndex(Managed):
    """vim.SearchIndex."""

    def __init__(self, world: World, moid: str, root: Managed) -> None:
        super().__init__(world, vim.SearchIndex, moid)
        self.root = root


@handles(vim.view.ViewManager, "CreateContainerView")
async def create_container_view(manager: ViewManager, call: Call) -> Any:
    """A view of what is below an entity."""
    root = manager.world.find(call.arg("container"))
    if not isinstance(root.ref, _CONTAINERS):
        raise fault("vmodl.fault.InvalidArgument", invalidProperty="container")
    view = ContainerView(manager.world, root, call.arg("type", []), bool(call.arg("recursive")))
    return call.own(view)


@handles(vim.view.ViewManager, "CreateListView")
async def create_list_view(manager: ViewManager, call: Call) -> Any:
    """A view of some objects."""
    view = ListView(manager.world, call.arg("obj", []))
    return call.own(view)


@handles(vim.view.View, "DestroyView")
async def destroy_view(view: Managed, call: Call) -> None:
    """Ends the view."""
    view.forget()


@handles(vim.view.ListView, "ModifyListView")
async def modify(view: ListView, call: Call) -> Any:
    """Adds and removes objects; returns those that are not there."""
    removed = call.arg("remove", [])
    return _show(view, [r for r in view.props["view"] if r not in removed], call.arg("add", []))


@handles(vim.view.ListView, "ResetListView")
async def reset(view: ListView, call: Call) -> Any:
    """Replaces the objects; returns those that are not there."""
    return _show(view, [], call.arg("obj", []))


def _show(view: ListView, kept: list[Any], more: list[Any]) -> list[Any]:
    known = [ref for ref in more if ref._moId in view.world.objects]
    view.props["view"] = list(dict.fromkeys([*kept, *known]))
    view.world.touch()
    return [ref for ref in more if ref not in known]


@handles(vim.SearchIndex, "FindByInventoryPath")
async def find_by_inventory_path(index: SearchIndex, call: Call) -> Any:
    """By a path such as ``DC0/vm/demo-vm``."""
    found: Managed | None = index.root
    for name in call.arg("inventoryPath", "").strip("/").split("/"):
        if found is not None and name:
            found = next((c for c in children(found) if c.name == name), None)
    return found.ref if found else None


@handles(vim.SearchIndex, "FindChild")
async def find_child(index: SearchIndex, call: Call) -> Any:
    """A child by its name."""
    parent = index.world.find(call.arg("entity"))
    found = next((c for c in children(parent) if c.name == call.arg("name")), None)
    return found.ref if found else None


@handles(vim.SearchIndex, "FindByUuid")
async def find_by_uuid(index: SearchIndex, call: Call) -> Any:
    """A VM by its BIOS or instance UUID, or a host."""
    return next(iter(_by_uuid(index, call)), None)


@handles(vim.SearchIndex, "FindAllByUuid")
async def find_all_by_uuid(index: SearchIndex, call: Call) -> Any:
    """The same, as a list."""
    return _by_uuid(index, call)


@handles(vim.SearchIndex, "FindByDatastorePath")
async def find_by_datastore_path(index: SearchIndex, call: Call) -> Any:
    """A VM by the path of its vmx file."""
    wanted = call.arg("path")
    return next(
        (ref for ref, config in _machines(index) if config.files.vmPathName == wanted), None
    )


@handles(vim.SearchIndex, "FindByDnsName")
async def find_by_dns_name(index: SearchIndex, call: Call) -> Any:
    """A host: no VM here has a name in the DNS."""
    return next((one.ref for one in _hosts(index, call) if one.name == call.arg("dnsName")), None)


@handles(vim.SearchIndex, "FindByIp")
async def find_by_ip(index: SearchIndex, call: Call) -> Any:
    """A host: no VM here has tools that tell an address."""
    for host in _hosts(index, call):
        adapters = host.get("config").network.vnic
        if call.arg("ip") in [adapter.spec.ip.ipAddress for adapter in adapters]:
            return host.ref
    return None


def _hosts(index: SearchIndex, call: Call) -> list[Managed]:
    """The hosts, unless it is a VM that is looked for."""
    if call.arg("vmSearch"):
        return []
    return [m for m in index.world.objects.values() if isinstance(m.ref, vim.HostSystem)]


def _by_uuid(index: SearchIndex, call: Call) -> list[Any]:
    if not call.arg("vmSearch"):
        hosts = _hosts(index, call)
        uuids = [host.get("hardware").systemInfo.uuid for host in hosts]
        return [h.ref for h, own in zip(hosts, uuids, strict=True) if own == call.arg("uuid")]
    field = "instanceUuid" if call.arg("instanceUuid") else "uuid"
    wanted = call.arg("uuid", "").lower()
    return [ref for ref, config in _machines(index) if getattr(config, field) == wanted]


def _machines(index: SearchIndex) -> Iterator[tuple[Any, Any]]:
    """Every VM, with its configuration."""
    for managed in index.world.objects.values():
        if isinstance(managed.ref, vim.VirtualMachine):
            yield managed.ref, managed.get("config")
