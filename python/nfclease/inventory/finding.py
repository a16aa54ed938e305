"""Entities by inventory path, name or moId, and lists of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

from pyVmomi import vim

from nfclease._text import escaped
from nfclease.exceptions import AmbiguousNameError, NotFoundError
from nfclease.inventory import _names
from nfclease.inventory._tree import read_above, read_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from nfclease.inventory._tree import Node, Tree

    _Kind = TypeVar("_Kind", bound=vim.ManagedEntity)

__all__ = ["Entry", "VmEntry", "find", "find_all", "list_vms", "path_of"]

#: What people call them, the derived ones first.
_WORDS: list[tuple[Any, str]] = [
    (vim.VirtualMachine, "VM"),
    (vim.VirtualApp, "vApp"),
    (vim.ResourcePool, "resource pool"),
    (vim.HostSystem, "host"),
    (vim.ClusterComputeResource, "cluster"),
    (vim.ComputeResource, "cluster or host"),
    (vim.Datastore, "datastore"),
    (vim.StoragePod, "datastore cluster"),
    (vim.Network, "network"),
    (vim.Folder, "folder"),
    (vim.Datacenter, "datacenter"),
    (vim.ManagedEntity, "entity"),
]
#: Candidates that a message names.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """An entity of the inventory, and where it is.

    Attributes:
        entity: pyvmomi's object.
        name: Its name as the server keeps it, with ``%2f`` for a slash.
        path: Its inventory path, such as ``/DC0/vm/demo-vm``.
        moid: Its moId, such as ``vm-12``.

    Examples:
        >>> from nfclease.inventory import find_all
        >>> from pyVmomi import vim
        >>> find_all(service, kind=vim.Datastore)[0].path
        '/DC0/datastore/datastore1'
    """

    entity: Any
    name: str
    path: str
    moid: str


@dataclass(frozen=True, slots=True)
class VmEntry(Entry):
    """A VM in a list of them.

    Attributes:
        power_state: ``poweredOn``, ``poweredOff`` or ``suspended``; empty where the server does
            not say.
        committed: Bytes that it takes in its datastores; None where the server does not say.

    Examples:
        >>> from nfclease.inventory import list_vms
        >>> [(each.path, each.power_state) for each in list_vms(service, "demo-vm")]
        [('/DC0/vm/demo-vm', 'poweredOff')]
    """

    power_state: str = ""
    committed: int | None = None


@overload
def find(
    service_instance: vim.ServiceInstance,
    name: str | None,
    *,
    datacenter: str | vim.Datacenter | None = None,
) -> vim.VirtualMachine: ...


@overload
def find(
    service_instance: vim.ServiceInstance,
    name: str | None,
    kind: type[_Kind],
    *,
    datacenter: str | vim.Datacenter | None = None,
) -> _Kind: ...


@overload
def find(
    service_instance: vim.ServiceInstance,
    name: str | None,
    kind: tuple[type[vim.ManagedEntity], ...],
    *,
    datacenter: str | vim.Datacenter | None = None,
) -> Any: ...


def find(
    service_instance: vim.ServiceInstance,
    name: str | None,
    kind: Any = vim.VirtualMachine,
    *,
    datacenter: str | vim.Datacenter | None = None,
) -> Any:
    """The one entity of a kind that somebody means by a path, a name or a moId.

    The names of all entities of the kind are read with one call of the PropertyCollector; ten
    thousand VMs take it some seconds, nearly all of them pyvmomi's for the reply.

    Args:
        service_instance: pyvmomi's, logged in.
        name: An inventory path (``/DC0/vm/team/web``), or one relative to the root, to a
            datacenter or to its folder of the kind, as govc has it (``DC0/vm/team/web``,
            ``team/web``, for a pool ``Cluster/Resources``); a name alone, wherever it is; a moId
            (``vm-12``, or ``VirtualMachine:vm-12``). In a name ``%2f`` stands for a slash, ``%5c``
            for a backslash and ``%25`` for a percent sign, as the server keeps it. None is the
            only one that is there.
        kind: A type of entity, such as ``vim.VirtualMachine``, ``vim.VirtualApp``,
            ``vim.ResourcePool``, ``vim.ComputeResource``, ``vim.HostSystem``, ``vim.Datastore``,
            ``vim.Network``, ``vim.Folder`` or ``vim.Datacenter``; or a tuple of them.
        datacenter: Where to look, by name, path, moId or object; None is everywhere.

    Returns:
        pyvmomi's object of the session.

    Raises:
        NotFoundError: There is none that this user can see; the message names near ones.
        AmbiguousNameError: There is more than one; the message lists them with their paths.
        ValueError: The name is empty.
        TypeError: An argument is of the wrong kind.
        vmodl.MethodFault: The server refused a call.

    Examples:
        >>> from nfclease.inventory import find
        >>> from pyVmomi import vim
        >>> find(service, "demo-vm").name
        'demo-vm'
        >>> find(service, "/DC0/host/Cluster/Resources", vim.ResourcePool).name
        'Resources'
    """
    kinds = _kinds(kind)
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a string or None, not {type(name).__name__}")
    if name == "":
        raise ValueError("name is empty: give a path, a name or a moId")
    tree = read_tree(service_instance, kinds)
    nodes = _of(tree, kinds, datacenter)
    return _only(tree, nodes, name, _word(kinds)).entity


def find_all(
    service_instance: vim.ServiceInstance,
    pattern: str = "*",
    kind: Any = vim.VirtualMachine,
    *,
    datacenter: str | vim.Datacenter | None = None,
) -> list[Entry]:
    """All entities of a kind that a pattern takes, in the order of their paths.

    Args:
        service_instance: pyvmomi's, logged in.
        pattern: Of names (``web-*``), or with a slash of paths, absolute or relative as for
            ``find``: ``*``, ``?`` and ``[abc]`` within a name, ``...`` or ``**`` for any number of
            folders; a slash at its end takes all below (``/DC0/vm/team/``). Or a moId.
        kind: As for ``find``.
        datacenter: As for ``find``.

    Returns:
        Them, with names and paths; empty when the pattern takes none.

    Raises:
        NotFoundError: There is no such datacenter.
        AmbiguousNameError: There is more than one datacenter of that name.
        TypeError: An argument is of the wrong kind.
        vmodl.MethodFault: The server refused a call.

    Examples:
        >>> from nfclease.inventory import find_all
        >>> from pyVmomi import vim
        >>> [each.path for each in find_all(service, "* Network", vim.Network)]
        ['/DC0/network/Lab Network', '/DC0/network/VM Network']
    """
    kinds = _kinds(kind)
    tree = read_tree(service_instance, kinds)
    return [
        Entry(node.entity, node.name, path, node.entity._moId)
        for path, node in _fitting(tree, kinds, pattern, datacenter)
    ]


def list_vms(
    service_instance: vim.ServiceInstance,
    pattern: str = "*",
    *,
    datacenter: str | vim.Datacenter | None = None,
) -> list[VmEntry]:
    """All VMs that a pattern takes, with paths, power states and sizes, in one call.

    Args:
        service_instance: pyvmomi's, logged in.
        pattern: As for ``find_all``.
        datacenter: As for ``find``.

    Returns:
        A row for each, in the order of their paths.

    Raises:
        NotFoundError: There is no such datacenter.
        AmbiguousNameError: There is more than one datacenter of that name.
        TypeError: An argument is of the wrong kind.
        vmodl.MethodFault: The server refused a call.

    Examples:
        >>> from nfclease.inventory import list_vms
        >>> [each.path for each in list_vms(service, "/DC0/vm/demo-vapp/")]
        ['/DC0/vm/demo-vapp/vapp-vm']
    """
    kinds = (vim.VirtualMachine,)
    power, size = "runtime.powerState", "summary.storage.committed"
    tree = read_tree(service_instance, kinds, {vim.VirtualMachine: (power, size)})
    return [
        VmEntry(
            node.entity,
            node.name,
            path,
            node.entity._moId,
            str(node.values.get(power) or ""),
            node.values.get(size),
        )
        for path, node in _fitting(tree, kinds, pattern, datacenter)
    ]


def path_of(entity: vim.ManagedEntity) -> str:
    """The inventory path of an entity, in one call of the PropertyCollector.

    A vApp is in the folder that shows it, and a VM of a vApp in the vApp.

    Args:
        entity: pyvmomi's object, such as a VM.

    Returns:
        Such as ``/DC0/vm/demo-vm``; ``/`` for the root folder.

    Raises:
        NotFoundError: This user may not see it.
        TypeError: It is not an entity of the inventory.
        vmodl.MethodFault: The server refused a call.

    Examples:
        >>> from nfclease.inventory import path_of
        >>> path_of(vm)
        '/DC0/vm/demo-vm'
    """
    if not isinstance(entity, vim.ManagedEntity):
        raise TypeError(f"entity must be a vim.ManagedEntity, not {type(entity).__name__}")
    tree, node = read_above(entity)
    if node is None:
        raise NotFoundError(f"this user may not see {escaped(entity._moId)}")
    return tree.path(node)


def _kinds(kind: Any) -> tuple[Any, ...]:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    for each in kinds:
        if not (isinstance(each, type) and issubclass(each, vim.ManagedEntity)):
            raise TypeError(f"kind must be a type of vim.ManagedEntity, not {each!r}")
    if not kinds:
        raise TypeError("kind is empty: give a type, such as vim.VirtualMachine")
    return kinds


def _word(kinds: tuple[Any, ...]) -> str:
    words = [next(word for base, word in _WORDS if issubclass(kind, base)) for kind in kinds]
    return " or ".join(dict.fromkeys(words))


def _of(tree: Tree, kinds: tuple[Any, ...], datacenter: Any) -> list[Node]:
    """The entities of the kinds, in a datacenter or everywhere."""
    nodes = [node for node in tree.nodes.values() if isinstance(node.entity, kinds)]
    if datacenter is None:
        return [node for node in nodes if node.entity._moId != tree.root]
    if isinstance(datacenter, str):
        every = [n for n in tree.nodes.values() if isinstance(n.entity, vim.Datacenter)]
        moid = _only(tree, every, datacenter, "datacenter").entity._moId
    elif isinstance(datacenter, vim.Datacenter):
        moid = datacenter._moId
    else:
        kind = type(datacenter).__name__
        raise TypeError(f"datacenter must be a string or a vim.Datacenter, not {kind}")
    owners = ((node, tree.datacenter(node)) for node in nodes)
    return [node for node, owner in owners if owner is not None and owner.entity._moId == moid]


def _fitting(
    tree: Tree, kinds: tuple[Any, ...], pattern: str, datacenter: Any
) -> list[tuple[str, Node]]:
    if not isinstance(pattern, str):
        raise TypeError(f"pattern must be a string, not {type(pattern).__name__}")
    rows = ((tree.path(node), node) for node in _of(tree, kinds, datacenter))
    taken = [row for row in rows if _takes(tree, pattern, *row)]
    return sorted(taken, key=lambda row: (row[0], row[1].entity._moId))


def _takes(tree: Tree, pattern: str, path: str, node: Node) -> bool:
    anchors = tree.anchors(node) if "/" in pattern and pattern[0] != "/" else ()
    return pattern == node.entity._moId or _names.fits(pattern, node.name, path, anchors)


def _only(tree: Tree, nodes: list[Node], name: str | None, word: str) -> Node:
    found = nodes if name is None else _named(tree, nodes, name)
    if len(found) == 1:
        return found[0]
    if found:
        raise _ambiguous(tree, found, name, word)
    raise _not_found(tree, nodes, name, word)


def _named(tree: Tree, nodes: list[Node], name: str) -> list[Node]:
    exact = _names.reference(name)
    if exact is not None:
        for node in nodes:
            if (type(node.entity)._wsdlName, node.entity._moId) == exact:
                return [node]
    if "/" in name:
        found = [n for n in nodes if _names.is_at(name, tree.path(n), _anchors(tree, n, name))]
        if found:
            return found
    plain = _names.plain(name)
    return [n for n in nodes if n.entity._moId == name or _names.plain(n.name) == plain]


def _anchors(tree: Tree, node: Node, name: str) -> list[str]:
    return [] if name.startswith("/") else tree.anchors(node)


def _listed(tree: Tree, nodes: list[Node]) -> tuple[tuple[str, ...], str]:
    rows = [(tree.path(node), node.entity._moId) for node in nodes]
    shown = [f"{escaped(path)} ({escaped(moid)})" for path, moid in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        shown.append(f"and {len(rows) - _SHOWN} more")
    return tuple(path for path, _ in rows), ", ".join(shown)


def _ambiguous(tree: Tree, found: list[Node], name: str | None, word: str) -> AmbiguousNameError:
    paths, shown = _listed(
        tree, sorted(found, key=lambda node: (tree.path(node), node.entity._moId))
    )
    asked = f"no name was given for a {word}" if name is None else f"{word} '{escaped(name)}'"
    how = "give one of them" if name is None else "give the path or the moId"
    error = AmbiguousNameError(f"{asked}: there are {len(found)}: {shown}; {how}")
    error.name, error.candidates = name or "", paths
    return error


def _not_found(tree: Tree, nodes: list[Node], name: str | None, word: str) -> NotFoundError:
    close = _names.near(name or "", (node.name for node in nodes)) if name else []
    named = sorted(
        (node for node in nodes if node.name in close), key=lambda node: close.index(node.name)
    )
    candidates, shown = _listed(tree, named[:_SHOWN])
    asked = "" if name is None else f" '{escaped(name)}'"
    if candidates:
        text = f"there is no {word}{asked}; near it: {shown}"
    elif nodes:
        text = f"there is no {word}{asked} among the {len(nodes)} that this user can see"
    else:
        text = f"there is no {word}{asked}: this user can see none at all"
    error = NotFoundError(text)
    error.name, error.candidates = name or "", candidates
    return error
