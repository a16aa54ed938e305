"""Where an import goes: options first, then GOVC_*, then the only one that is there."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nfclease.cli.failure import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from pyVmomi import vim

    from nfclease.cli.console import Console

__all__ = ["Place", "datacenter_of", "entity_of", "machine_of", "place_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What ``import_vapp`` is told about it.

    Attributes:
        pool: The resource pool or vApp.
        datastore: For the files, or a cluster of datastores.
        folder: None for the datacenter's own, and in a vApp.
        host: None leaves it to the server.
        networks: From a network of the package, or ``*``, to one of the server.
    """

    pool: vim.ResourcePool
    datastore: vim.Datastore | vim.StoragePod
    folder: vim.Folder | None
    host: vim.HostSystem | None
    networks: dict[str, vim.Network | str]


def datacenter_of(
    service_instance: Any, args: argparse.Namespace, environ: Mapping[str, str] = os.environ
) -> Any:
    """The datacenter that an option or ``GOVC_DATACENTER`` names; None for all of them."""
    name = args.datacenter or environ.get("GOVC_DATACENTER")
    if not name:
        return None
    from pyVmomi import vim

    return entity_of(service_instance, name, vim.Datacenter)


def entity_of(service_instance: Any, name: str, kind: Any, datacenter: Any = None) -> Any:
    """What a path, a name, a moId or a pattern means: govc takes ``*/Resources`` for a pool.

    Raises:
        UsageError: A pattern takes several.
        NotFoundError: Nothing has that name.
        AmbiguousNameError: Several have that name.
    """
    if name.startswith("/"):  # such a path names its datacenter
        datacenter = None
    from nfclease import NotFoundError
    from nfclease.inventory import find, find_all

    try:
        return find(service_instance, name, kind, datacenter=datacenter)
    except NotFoundError:
        found = []
        if any(char in name for char in "*?["):
            found = find_all(service_instance, name, kind, datacenter=datacenter)
        if not found:
            raise
    if len(found) > 1:
        paths = _one_of(each.path for each in found)
        raise UsageError(f"{name} takes {len(found)}: give {paths}")
    return found[0].entity


def machine_of(service_instance: Any, args: argparse.Namespace) -> Any:
    """The VM or vApp that is exported or copied.

    Raises:
        UsageError: It is a vApp, which has no snapshots; or a pattern takes several.
        NotFoundError: Nothing has that name.
        AmbiguousNameError: Several have that name.
    """
    from pyVmomi import vim

    kinds = (vim.VirtualMachine, vim.VirtualApp)
    datacenter = datacenter_of(service_instance, args)
    vm = entity_of(service_instance, args.vm, kinds, datacenter)
    if args.snapshot and not isinstance(vm, vim.VirtualMachine):
        raise UsageError(f"{args.vm} is a vApp, and --snapshot is for a VM")
    return vm


def place_of(
    service_instance: Any,
    args: argparse.Namespace,
    console: Console,
    environ: Mapping[str, str] = os.environ,
) -> Place:
    """Finds what was named, and chooses where there is only one.

    Args:
        service_instance: Of the session there.
        args: With ``host``, ``pool`` and so on.
        console: Told of what was chosen.
        environ: Where variables are read.

    Raises:
        UsageError: There are several to choose from; the text lists them.
        NotFoundError: Nothing has a name that was given.
        AmbiguousNameError: A name is that of several.
    """
    from pyVmomi import vim

    from nfclease.inventory import path_of

    finder = _Finder(service_instance, datacenter_of(service_instance, args, environ), environ)
    host = finder.named(args.host, "GOVC_HOST", vim.HostSystem)
    pool = finder.named(args.pool, "GOVC_RESOURCE_POOL", vim.ResourcePool)
    if pool is None:
        pool = finder.only_pool(host)
        console.decision(f"the resource pool is {path_of(pool)}: nobody named one")
    stores = (vim.Datastore, vim.StoragePod)
    datastore = finder.named(args.datastore, "GOVC_DATASTORE", stores)
    # A GOVC_FOLDER that a shell has for govc does not forbid a vApp, which takes no folder.
    is_vapp = isinstance(pool, vim.VirtualApp)
    if datastore is None:
        datastore = _only_datastore(host or pool.owner)
        console.decision(f"the datastore is {datastore.name}: it is the only one")
    folder = finder.named(args.folder, "" if is_vapp else "GOVC_FOLDER", vim.Folder)
    if folder is not None and is_vapp:
        raise UsageError("--folder goes with a resource pool: a VM in a vApp is in the vApp")
    return Place(
        pool=pool,
        datastore=datastore,
        folder=folder,
        host=host,
        networks=finder.networks(args.network or ()),
    )


class _Finder:
    """Finds entities of one session, in the datacenter that was chosen."""

    def __init__(self, service_instance: Any, datacenter: Any, environ: Mapping[str, str]) -> None:
        self._service_instance, self._datacenter = service_instance, datacenter
        self._environ = environ

    def named(self, option: str | None, variable: str, kind: Any) -> Any:
        """What an option names, else a variable; None where neither does."""
        name = option or self._environ.get(variable)
        if not name:
            return None
        return entity_of(self._service_instance, name, kind, self._datacenter)

    def only_pool(self, host: Any) -> Any:
        """The root pool of the host, or of the only cluster or host there is."""
        if host is not None:
            return host.parent.resourcePool
        from pyVmomi import vim

        from nfclease.inventory import find_all

        found = find_all(
            self._service_instance, kind=vim.ComputeResource, datacenter=self._datacenter
        )
        if len(found) == 1:
            return found[0].entity.resourcePool
        paths = (f"{each.path}/Resources" for each in found)
        raise UsageError(
            f"which resource pool? give --pool or GOVC_RESOURCE_POOL: {_one_of(paths)}"
        )

    def networks(self, given: Sequence[tuple[str, str]]) -> dict[str, vim.Network | str]:
        """The networks of the package, and where they go; ``*`` is every other one."""
        from pyVmomi import vim

        chosen = dict(given)
        other = self._environ.get("GOVC_NETWORK")
        if other:
            chosen.setdefault("*", other)
        return {name: self.named(text, "", vim.Network) for name, text in chosen.items()}


def _only_datastore(owner: Any) -> Any:
    """The only datastore that can be reached from a cluster or host."""
    usable = [each for each in owner.datastore if each.summary.accessible]
    if len(usable) == 1:
        return usable[0]
    from nfclease.cli.tables import size

    rows = (f"{each.name} ({size(each.summary.freeSpace)} free)" for each in usable)
    raise UsageError(f"which datastore? give --datastore or GOVC_DATASTORE: {_one_of(rows)}")


def _one_of(names: Iterable[str], most: int = 10) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return f"one of {', '.join(shown[:most])}{more}" if shown else "none was found"
