"""What a run knows of each vCenter: its VMs by what people call them, and why one was not read."""

from __future__ import annotations

from collections import Counter
from functools import partial

from pyVmomi import vim

from nfclease._log import logger
from nfclease.fleet._pool import each_of, outcome_of
from nfclease.inventory._choosing import the_one
from nfclease.inventory._names import plain
from nfclease.inventory._tree import read_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from nfclease.inventory._tree import Node, Tree

__all__ = ["DISKS", "HOST", "SIZE", "UUID", "Center", "read_centers"]

HOST, UUID = "runtime.host", "summary.config.instanceUuid"
DISKS, SIZE = "summary.config.numVirtualDisks", "summary.storage.committed"
_Vm: Any = vim.VirtualMachine


class Center:
    """The VMs of one session, found by what people call them."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        nodes = [node for node in tree.nodes.values() if isinstance(node.entity, _Vm)]
        self.nodes = nodes
        self.hosts = {
            moid: node.name
            for moid, node in tree.nodes.items()
            if isinstance(node.entity, vim.HostSystem)
        }
        #: What means one VM and no other; anything else is looked for with care.
        self._exact = {node.entity._moId: node for node in nodes}
        self._exact |= {tree.path(node): node for node in nodes}
        self._exact |= {uuid: node for node in nodes if (uuid := node.values.get(UUID))}
        # A name in full is that of one VM, unless it is also written like a path or a reference.
        counts = Counter(plain(node.name) for node in nodes)
        for node in nodes:
            name = plain(node.name)
            if counts[name] == 1 and not {*"/:%"} & {*name}:
                self._exact.setdefault(name, node)

    def vm(self, text: str) -> Node:
        """The VM of a moId, an instanceUuid, a path or a name.

        Raises:
            NotFoundError: No VM has it.
            AmbiguousNameError: More than one has it.
        """
        return self._exact.get(text) or the_one(self.tree, self.nodes, text, "VM")


def read_centers(logins: Mapping[str, Callable[[], Any]]) -> dict[str, Center | Exception]:
    """Logs in one by one, for a factory may ask a person, and then reads all at once.

    A vCenter that is away, or refuses the login, holds up no other one.

    Args:
        logins: What gives each session, by its name.

    Returns:
        Each vCenter, or what its login or the server raised.
    """
    found: dict[str, Center | Exception] = {}
    services: dict[str, Any] = {}
    for name, login in logins.items():
        service = outcome_of(login)
        if isinstance(service, Exception):  # of the script's factory, the network or the server
            found[name] = service
        else:
            services[name] = service
    read = each_of([partial(_read, service) for service in services.values()])
    for name, tree in zip(services, read, strict=True):
        found[name] = tree if isinstance(tree, Exception) else Center(tree)
    for name, error in found.items():
        if isinstance(error, Exception):
            logger().debug("the inventory of %s cannot be read", name, exc_info=error)
    return found


def _read(service: Any) -> Tree:
    wanted: dict[Any, tuple[str, ...]] = {_Vm: (HOST, UUID, DISKS, SIZE)}
    return read_tree(service, (_Vm, vim.HostSystem), wanted)
