"""The part of the inventory that has entities of some kinds, as it was read, with their paths."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyVmomi import vim

from nfclease.inventory._reading import content_of, read, step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: The folders of a datacenter, and what is in them.
_FOLDERS: dict[str, tuple[Any, ...]] = {
    "vmFolder": (vim.VirtualMachine, vim.VirtualApp),
    "hostFolder": (vim.ComputeResource, vim.HostSystem, vim.ResourcePool),
    "datastoreFolder": (vim.Datastore, vim.StoragePod),
    "networkFolder": (vim.Network, vim.DistributedVirtualSwitch),
}
#: What a path is made of, where an entity is not only in its ``parent``.
_PARENTS: dict[Any, tuple[str, ...]] = {
    vim.VirtualMachine: ("parent", "parentVApp"),
    vim.VirtualApp: ("parentFolder", "parent"),
}
#: Entities above another one; a longer chain is a circle.
_DEEPEST = 200


@dataclass(slots=True)
class Node:
    """An entity as it was read."""

    entity: Any
    name: str
    #: The moIds of what it may be in, the one that a path goes through first.
    parents: tuple[str, ...]
    values: dict[str, Any]


@dataclass(slots=True)
class Tree:
    """Entities by moId."""

    root: str
    nodes: dict[str, Node] = field(default_factory=dict)
    _paths: dict[str, str] = field(default_factory=dict)

    def above(self, node: Node) -> Iterator[Node]:
        """What a node is in, from the nearest to the one below the root."""
        for _ in range(_DEEPEST):
            known = (self.nodes[each] for each in node.parents if each in self.nodes)
            parent = next(known, None)
            if parent is None or parent.entity._moId == self.root:
                return
            yield parent
            node = parent

    def path(self, node: Node) -> str:
        """Its inventory path, such as ``/DC0/vm/demo-vm``."""
        if node.entity._moId == self.root:
            return "/"
        above = next(self.above(node), None)
        if above is None:
            return f"/{node.name}"
        moid = above.entity._moId
        if moid not in self._paths:
            names = [above.name, *(each.name for each in self.above(above))]
            self._paths[moid] = "/" + "/".join(reversed(names))
        return f"{self._paths[moid]}/{node.name}"

    def datacenter(self, node: Node) -> Node | None:
        """The datacenter that a node is in, or is."""
        chain = (each for each in (node, *self.above(node)))
        return next((each for each in chain if isinstance(each.entity, vim.Datacenter)), None)

    def anchors(self, node: Node) -> list[str]:
        """The paths that a relative path to a node may start at: root, datacenter, its folder."""
        chain = list(self.above(node))
        for number, each in enumerate(chain):
            if isinstance(each.entity, vim.Datacenter):
                ends = [each, *chain[max(number - 1, 0) : number]]
                return ["", *(self.path(end) for end in ends)]
        return [""]


def read_tree(
    service_instance: Any, kinds: tuple[Any, ...], extra: dict[Any, tuple[str, ...]] | None = None
) -> Tree:
    """Entities of some kinds and all that they are in: one call of the PropertyCollector.

    Args:
        service_instance: pyvmomi's, logged in.
        kinds: Types of entities.
        extra: More properties to read, by type.
    """
    content = service_instance.RetrieveContent()
    root = content.rootFolder
    tree = Tree(root._moId)
    properties = _properties(kinds, extra or {})
    for entity, values in read(content.propertyCollector, root, _steps(kinds), properties):
        _add(tree, entity, values)
    return tree


def read_above(entity: Any) -> tuple[Tree, Node | None]:
    """An entity and what it is in: one call of the PropertyCollector."""
    content = content_of(entity._stub)
    names = ("parent", "vapp", "folder")
    steps = [
        step("parent", vim.ManagedEntity, "parent", names),
        step("vapp", vim.VirtualMachine, "parentVApp", names),
        step("folder", vim.VirtualApp, "parentFolder", names),
    ]
    properties = {kind: _names(kind) for kind in (vim.ManagedEntity, *_PARENTS)}
    tree = Tree(content.rootFolder._moId)
    for each, values in read(content.propertyCollector, entity, steps, properties):
        _add(tree, each, values)
    return tree, tree.nodes.get(entity._moId)


def _add(tree: Tree, entity: Any, values: dict[str, Any]) -> None:
    name = values.pop("name", None)
    if not isinstance(name, str):
        return  # this user may not see it
    known = next((names for kind, names in _PARENTS.items() if isinstance(entity, kind)), None)
    refs = [values.pop(each, None) for each in known or ("parent",)]
    parents = tuple(ref._moId for ref in refs if ref is not None)
    tree.nodes[entity._moId] = Node(entity, name, parents, values)


def _names(kind: Any) -> tuple[str, ...]:
    return ("name", *_PARENTS.get(kind, ("parent",)))


def _reaches(kinds: tuple[Any, ...], leaves: tuple[Any, ...]) -> bool:
    return any(issubclass(a, b) or issubclass(b, a) for a in kinds for b in leaves)


def _steps(kinds: tuple[Any, ...]) -> list[Any]:
    every = any(issubclass(vim.Folder, kind) for kind in kinds)  # all of them, or folders alone
    folders = [name for name, leaves in _FOLDERS.items() if every or _reaches(kinds, leaves)]
    inside = ["folder", *folders, "host", "pool", "pools", "machines"]
    return [
        step("folder", vim.Folder, "childEntity", inside),
        *(step(name, vim.Datacenter, name, ["folder"]) for name in folders),
        step("host", vim.ComputeResource, "host"),
        step("pool", vim.ComputeResource, "resourcePool", ["pools", "machines"]),
        step("pools", vim.ResourcePool, "resourcePool", ["pools", "machines"]),
        step("machines", vim.VirtualApp, "vm"),
    ]


def _properties(
    kinds: tuple[Any, ...], extra: dict[Any, tuple[str, ...]]
) -> dict[Any, tuple[str, ...]]:
    ways = (vim.Folder, vim.Datacenter, vim.ComputeResource, vim.ResourcePool, vim.VirtualApp)
    leaves = [each for group in _FOLDERS.values() for each in group if each not in ways]
    wanted = [*ways, *(each for each in leaves if _reaches(kinds, (each,)))]
    return {kind: (*_names(kind), *extra.get(kind, ())) for kind in wanted}
