"""Finding entities: container views and the search index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nfclease.simulator.inventory.machines import Machine
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Call, Managed, World, answers

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

    @answers("CreateContainerView")
    async def create_container_view(self, call: Call) -> Any:
        """A view of what is below an entity."""
        root = self.world.find(call.arg("container"))
        if not isinstance(root.ref, _CONTAINERS):
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="container")
        view = ContainerView(self.world, root, call.arg("type", []), bool(call.arg("recursive")))
        if call.session:
            call.session.owned.append(view)
        return view.ref

    @answers("CreateListView")
    async def create_list_view(self, call: Call) -> Any:
        """A view of some objects."""
        view = ListView(self.world, call.arg("obj", []))
        if call.session:
            call.session.owned.append(view)
        return view.ref


class _View(Managed):
    @answers("DestroyView")
    async def destroy(self, call: Call) -> None:
        """Ends the view."""
        self.forget()


class ContainerView(_View):
    """vim.view.ContainerView."""

    def __init__(self, world: World, root: Managed, types: list[Any], recursive: bool) -> None:
        moid = f"session[{world.uuid()}]{world.uuid()}"
        super().__init__(world, vim.view.ContainerView, moid)
        wanted = tuple(types) or (vim.ManagedEntity,)
        self.props.update(
            container=root.ref,
            type=types,
            recursive=recursive,
            view=lambda: [m.ref for m in below(root, recursive) if isinstance(m.ref, wanted)],
        )


class ListView(_View):
    """vim.view.ListView."""

    def __init__(self, world: World, refs: list[Any]) -> None:
        moid = f"session[{world.uuid()}]{world.uuid()}"
        super().__init__(world, vim.view.ListView, moid, view=refs)

    @answers("ModifyListView")
    async def modify(self, call: Call) -> Any:
        """Adds and removes objects."""
        removed = call.arg("remove", [])
        self.props["view"] = [r for r in self.props["view"] if r not in removed]
        self.props["view"] += call.arg("add", [])
        self.world.touch()
        return []

    @answers("ResetListView")
    async def reset(self, call: Call) -> Any:
        """Replaces the objects."""
        self.props["view"] = call.arg("obj", [])
        self.world.touch()
        return []


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
        self._root = root

    @answers("FindByInventoryPath")
    async def find_by_inventory_path(self, call: Call) -> Any:
        """By a path such as ``DC0/vm/demo-vm``."""
        found: Managed | None = self._root
        for name in call.arg("inventoryPath", "").strip("/").split("/"):
            if found is not None and name:
                found = next((c for c in children(found) if c.name == name), None)
        return found.ref if found else None

    @answers("FindChild")
    async def find_child(self, call: Call) -> Any:
        """A child by its name."""
        parent = self.world.find(call.arg("entity"))
        found = next((c for c in children(parent) if c.name == call.arg("name")), None)
        return found.ref if found else None

    @answers("FindByUuid")
    async def find_by_uuid(self, call: Call) -> Any:
        """A VM by its BIOS or instance UUID."""
        return next(iter(self._by_uuid(call)), None)

    @answers("FindAllByUuid")
    async def find_all_by_uuid(self, call: Call) -> Any:
        """The same, as a list."""
        return self._by_uuid(call)

    @answers("FindByDatastorePath")
    async def find_by_datastore_path(self, call: Call) -> Any:
        """A VM by the path of its vmx file."""
        for managed in self.world.objects.values():
            if isinstance(managed, Machine) and call.arg("path") == managed.path:
                return managed.ref
        return None

    @answers("FindByDnsName", "FindByIp")
    async def find_nothing(self, call: Call) -> None:
        """No VM here has a name in the DNS, or tools that tell an address."""

    def _by_uuid(self, call: Call) -> list[Any]:
        field = "instanceUuid" if call.arg("instanceUuid") else "uuid"
        return [
            managed.ref
            for managed in self.world.objects.values()
            if isinstance(managed, Machine)
            and getattr(managed.config, field) == call.arg("uuid", "").lower()
        ]
