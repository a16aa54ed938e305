"""Which entity a name means, and the errors where none or several have it."""

from __future__ import annotations

from pyVmomi import vim

from nfclease._text import escaped
from nfclease.exceptions import AmbiguousNameError, NotFoundError
from nfclease.inventory import _names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.inventory._tree import Node, Tree

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


def kinds_of(kind: Any) -> tuple[Any, ...]:
    """The types that an argument names.

    Raises:
        TypeError: It is not a type of an entity.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    for each in kinds:
        if not (isinstance(each, type) and issubclass(each, vim.ManagedEntity)):
            raise TypeError(f"kind must be a type of vim.ManagedEntity, not {each!r}")
    if not kinds:
        raise TypeError("kind is empty: give a type, such as vim.VirtualMachine")
    return kinds


def word_of(kinds: tuple[Any, ...]) -> str:
    """What people call them."""
    words = [next(word for base, word in _WORDS if issubclass(kind, base)) for kind in kinds]
    return " or ".join(dict.fromkeys(words))


def entities_of(
    tree: Tree, kinds: tuple[Any, ...], datacenter: Any, text: str | None
) -> list[Node]:
    """The entities of the kinds, in a datacenter or everywhere.

    Args:
        tree: All entities.
        kinds: Types of them.
        datacenter: By name or object; None for everywhere.
        text: What is looked for: an absolute path and a reference are so everywhere.
    """
    nodes = [node for node in tree.nodes.values() if isinstance(node.entity, kinds)]
    is_str = isinstance(datacenter, str)
    if not is_str and not isinstance(datacenter, (vim.Datacenter, type(None))):
        kind = type(datacenter).__name__
        raise TypeError(f"datacenter must be a string or a vim.Datacenter, not {kind}")
    is_whole = text is not None and (text.startswith("/") or _names.reference(text) is not None)
    if datacenter is None or is_whole:
        return [node for node in nodes if node.entity._moId != tree.root]
    moid = datacenter._moId if not is_str else ""
    if is_str:
        every = [n for n in tree.nodes.values() if isinstance(n.entity, vim.Datacenter)]
        moid = the_one(tree, every, datacenter, "datacenter").entity._moId
    owners = ((node, tree.datacenter(node)) for node in nodes)
    return [node for node, owner in owners if owner is not None and owner.entity._moId == moid]


def the_one(tree: Tree, nodes: list[Node], name: str | None, word: str) -> Node:
    """The entity of a name.

    Raises:
        NotFoundError: None was found.
        AmbiguousNameError: There is more than one.
    """
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
    what = f"no {word}" if name is None else f"{word} '{escaped(name)}' not"
    if candidates:
        text = f"{what} found; similar: {shown}"
    elif nodes:
        text = f"{what} found among the {len(nodes)} that this user can see"
    else:
        text = f"{what} found: this user cannot see any"
    error = NotFoundError(text)
    error.name, error.candidates = name or "", candidates
    return error
