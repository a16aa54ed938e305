"""Where an import goes: what the caller left out is found on the server, or asked for."""

from __future__ import annotations

from dataclasses import dataclass

from pyVmomi import vim

from nfclease._text import escaped
from nfclease.inventory._reading import read_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from nfclease.appliance._import_choices import Choices


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the new VM goes.

    Attributes:
        content: The server's ``ServiceContent``.
        pool: The resource pool or vApp.
        datastore: For its files.
        folder: None in a vApp, whose own folder it is.
        host: None for any.
        networks: From each network of the descriptor that is mapped to one of the server.
        notes: Networks of the descriptor that nothing was found for.
    """

    content: Any
    pool: vim.ResourcePool
    datastore: vim.Datastore
    folder: vim.Folder | None
    host: vim.HostSystem | None
    networks: dict[str, vim.Network]
    notes: list[str]


def check_kinds(pool: object, datastore: object, folder: object, host: object) -> None:
    """Refuses objects of another kind, before any call.

    Raises:
        TypeError: One is something else.
    """
    wanted: list[tuple[str, object, Any]] = [
        ("resource_pool", pool, vim.ResourcePool),
        ("datastore", datastore, (vim.Datastore, vim.StoragePod)),
        ("folder", folder, vim.Folder),
        ("host", host, vim.HostSystem),
    ]
    for name, value, kind in wanted:
        if value is None and name != "resource_pool":
            continue
        if not isinstance(value, kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            names = " or a ".join(f"vim.{each.__name__.rpartition('.')[2]}" for each in kinds)
            raise TypeError(f"{name} must be a {names}, not {type(value).__name__}")


def place_of(
    pool: vim.ResourcePool,
    datastore: vim.Datastore | vim.StoragePod | None,
    folder: vim.Folder | None,
    host: vim.HostSystem | None,
    choices: Choices,
    networks: Sequence[str],
) -> Place:
    """Asks the server for what was left out. Blocks.

    Raises:
        ValueError: There is more than one choice, or none; the message has the names.
    """
    content = vim.ServiceInstance("ServiceInstance", pool._stub).RetrieveContent()
    owner = pool.owner
    mapped, notes = _networks(host or owner, choices, networks)
    return Place(
        content=content,
        pool=pool,
        datastore=datastore_of(datastore, host or owner),
        folder=folder_of(pool, folder, owner),
        host=host,
        networks=mapped,
        notes=notes,
    )


def names_of(entities: Sequence[Any]) -> list[str]:
    """Their names, in one call."""
    found = read_each(entities, vim.ManagedEntity, ["name"])
    names = {entity._moId: has.get("name", "") for entity, has in found}
    return [names.get(entity._moId, "") for entity in entities]


def _networks(
    owner: Any, choices: Choices, wanted: Sequence[str]
) -> tuple[dict[str, vim.Network], list[str]]:
    if not wanted:
        return {}, []
    available = list(owner.network)
    by_name: dict[str, list[Any]] = {}
    for network, name in zip(available, names_of(available), strict=True):
        by_name.setdefault(name, []).append(network)
    mapped, notes = {}, []
    for name in wanted:
        chosen = choices.networks.get(name, name)
        if not isinstance(chosen, str):
            mapped[name] = chosen
            continue
        found = by_name.get(chosen, [])
        if len(found) == 1:
            mapped[name] = found[0]
            continue
        reason = (
            f"{len(found)} networks here are called {escaped(chosen)!r}"
            if found
            else f"no network here is called {escaped(chosen)!r} ({_listed(by_name)})"
        )
        if name in choices.networks:
            raise ValueError(f"networks[{name!r}]: {reason}; pass the vim.Network itself")
        notes.append(
            f"network {escaped(name)!r} is not mapped: {reason}; the server chooses. "
            f"networks={{{escaped(name)!r}: ...}} maps it"
        )
    return mapped, notes


def datastore_of(given: Any, owner: Any) -> vim.Datastore:
    """The datastore that is meant: of a cluster of them the emptiest, else the only one.

    Raises:
        ValueError: There are several, or none.
    """
    if isinstance(given, vim.Datastore):
        return given
    within = list(owner.datastore) if given is None else list(given.childEntity)
    usable = [each for each in within if each.summary.accessible]
    if given is not None and usable:  # a cluster of datastores: the emptiest of them
        usable = [max(usable, key=lambda each: each.summary.freeSpace or 0)]
    if len(usable) == 1:
        only: vim.Datastore = usable[0]
        return only
    reason = f"one of {_listed(names_of(usable))}" if usable else "none can be reached"
    raise ValueError(f"datastore= must say where the files go: {reason}")


def folder_of(pool: Any, given: vim.Folder | None, owner: Any) -> vim.Folder | None:
    """Where the new VM is listed; None in a vApp.

    Raises:
        ValueError: It cannot be said, or has to be.
    """
    if isinstance(pool, vim.VirtualApp):
        if given is not None:
            raise ValueError("folder= goes with a resource pool: a VM in a vApp is in its folder")
        return None
    if given is not None:
        return given
    above = owner
    while above is not None and not isinstance(above, vim.Datacenter):
        above = above.parent
    if above is None:
        raise ValueError("folder= is needed: the resource pool is in no datacenter")
    found: vim.Folder = above.vmFolder
    return found


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - 20} more" if len(shown) > 20 else ""
    return ", ".join(repr(escaped(name)) for name in shown[:20]) + more or "none was found"
