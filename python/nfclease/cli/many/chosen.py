"""Which VMs are exported: those of a list, of a place in the inventory, or of a tag."""

from __future__ import annotations

import os
import sys
from collections import Counter

from nfclease._text import escaped
from nfclease.cli.failure import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.many.login import Sessions
    from nfclease.inventory._tree import Node, Tree

#: Bytes that a list may have: 5,000 paths are half a MB.
_LONGEST_LIST = 64 << 20
#: Names that a message has.
_SHOWN = 10
_HOST, _POOL, _TEMPLATE = "runtime.host", "resourcePool", "summary.config.template"


def chosen(args: argparse.Namespace, sessions: Sessions, console: Console) -> list[str]:
    """The VMs, by what their jobs call them: as the list does, or by path.

    Raises:
        UsageError: The list cannot be read, or names no VM.
        NotFoundError: The place or the tag was not found, or has no VMs.
        AmbiguousNameError: There is more than one.
    """
    if args.list is not None:
        return _in_datacenter(_listed(args.list, console), args, sessions)
    if args.tag is not None:
        from nfclease.cli.many.tags import tagged

        moids, others = tagged(sessions.login, args.tag)
        if others:
            console.warn(f"{others} with the tag {args.tag} are not VMs, and left out")
        tree, has_it = _read(sessions.service()), frozenset(moids)
        return _vms(
            tree, lambda node: node.entity._moId in has_it, f"with the tag {args.tag}", console
        )
    tree = _read(sessions.service())
    place = _place(tree, args)
    where = f"in {args.all_in}"
    return _vms(tree, lambda node: place is None or place in _above(tree, node), where, console)


def _listed(path: str, console: Console) -> list[str]:
    """The lines of a list, but for empty ones, comments and what was there before."""
    try:
        if path == "-":
            content = sys.stdin.buffer.read(_LONGEST_LIST + 1) if sys.stdin is not None else b""
        else:
            with open(path, "rb") as file:
                content = file.read(_LONGEST_LIST + 1)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"--list {path} is not text in UTF-8") from None
    except OSError as error:
        raise UsageError(f"--list {path} cannot be read: {error.strerror}") from None
    if len(content) > _LONGEST_LIST:
        raise UsageError(f"--list {path} is too long for a list of VMs")
    lines = [line.strip() for line in text.splitlines()]
    counts = Counter(line for line in lines if line and not line.startswith("#"))
    if not counts:
        raise UsageError(f"--list {path} names no VM")
    for name, count in counts.items():
        if not name.isprintable():
            raise UsageError(f"--list {path}: {escaped(name)} is not a VM's name")
        if count > 1:
            console.warn(f"--list {path} names {name} {count} times: it is exported once")
    return list(counts)


def _in_datacenter(names: list[str], args: argparse.Namespace, sessions: Sessions) -> list[str]:
    """With a datacenter, a name that only one of its VMs has is that one's path."""
    datacenter = args.datacenter or os.environ.get("GOVC_DATACENTER")
    if not datacenter:
        return names
    from nfclease.inventory import list_vms

    entries = list_vms(sessions.service(), datacenter=datacenter)
    counts = Counter(entry.name for entry in entries)
    paths = {entry.name: entry.path for entry in entries if counts[entry.name] == 1}
    return list(dict.fromkeys(paths.get(name, name) for name in names))


def _read(service: Any) -> Tree:
    """The inventory, with the properties that say where a VM is."""
    from pyVmomi import vim

    from nfclease.inventory._tree import read_tree

    kinds = (vim.VirtualMachine, vim.HostSystem, vim.ResourcePool, vim.Folder, vim.Datacenter)
    wanted: dict[Any, tuple[str, ...]] = {vim.VirtualMachine: (_HOST, _POOL, _TEMPLATE)}
    return read_tree(service, kinds, wanted)


def _place(tree: Tree, args: argparse.Namespace) -> str | None:
    """The moId of what ``--all-in`` names; None for the whole inventory."""
    from pyVmomi import vim

    from nfclease.exceptions import NotFoundError
    from nfclease.inventory._choosing import entities_of, the_one

    if args.all_in == "/":
        return None
    kinds = (
        *(vim.Folder, vim.Datacenter, vim.ComputeResource, vim.HostSystem),
        vim.ResourcePool,
    )
    datacenter = args.datacenter or os.environ.get("GOVC_DATACENTER") or None
    nodes = entities_of(tree, kinds, datacenter, args.all_in)
    word = "folder, host, cluster, resource pool or datacenter"
    try:
        # A host without a cluster and its compute resource have one name, and the same VMs.
        main = [node for node in nodes if not _is_alone(tree, node)]
        return str(the_one(tree, main, args.all_in, word).entity._moId)
    except NotFoundError:
        return str(the_one(tree, nodes, args.all_in, word).entity._moId)


def _is_alone(tree: Tree, node: Node) -> bool:
    """Whether it is a host without a cluster."""
    from pyVmomi import vim

    parent = next(tree.above(node), None)
    return (
        isinstance(node.entity, vim.HostSystem)
        and parent is not None
        and not isinstance(parent.entity, vim.ClusterComputeResource)
    )


def _above(tree: Tree, node: Node) -> set[str]:
    """The moIds of all that a VM is in: folders, vApp and pools, host and cluster."""
    refs = [node.values.get(name) for name in (_HOST, _POOL)]
    found: set[str] = set()
    left = [*node.parents, *(ref._moId for ref in refs if ref is not None)]
    while left:
        moid = left.pop()
        if moid not in found:
            found.add(moid)
            # A vApp is in a folder and in a resource pool.
            left += tree.nodes[moid].parents if moid in tree.nodes else ()
    return found


def _vms(tree: Tree, is_wanted: Callable[[Node], bool], where: str, console: Console) -> list[str]:
    """The paths of the VMs that are wanted; templates are left out, and named."""
    from pyVmomi import vim

    from nfclease.exceptions import NotFoundError

    nodes = [each for each in tree.nodes.values() if isinstance(each.entity, vim.VirtualMachine)]
    wanted = [node for node in nodes if is_wanted(node)]
    templates = sorted(tree.path(node) for node in wanted if node.values.get(_TEMPLATE))
    if templates:
        more = f" and {len(templates) - _SHOWN} more" if len(templates) > _SHOWN else ""
        shown = ", ".join(map(escaped, templates[:_SHOWN]))
        console.warn(f"templates are left out: {shown}{more}")
    found = sorted(
        path if (path := tree.path(node)).isprintable() else str(node.entity._moId)
        for node in wanted
        if not node.values.get(_TEMPLATE)
    )
    if not found:
        raise NotFoundError(f"found no VM {where} that this user can see")
    return found
