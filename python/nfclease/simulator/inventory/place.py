"""Where a VM is, and the lists that name it there."""

from __future__ import annotations

import dataclasses
from typing import Any

from nfclease.simulator.world import Managed


@dataclasses.dataclass
class Place:
    """Where a VM is."""

    parent: Managed  # a folder, or a vApp
    pool: Managed
    host: Managed
    datastore: Managed
    network: Managed

    def owners(self) -> list[Managed]:
        """Every object that lists the VM, once; a vApp is folder and pool in one."""
        owners = (self.parent, self.pool, self.host, self.datastore)
        return list({owner.moid: owner for owner in owners}.values())


def members(owner: Managed, name: str) -> list[Any]:
    """The list that is a property of an owner."""
    found: list[Any] = owner.props.setdefault(name, [])
    return found


def unlink(ref: Any, owner: Managed, name: str) -> None:
    """Takes a reference out of an owner's list, if it has such a list."""
    listed = owner.props.get(name)
    if isinstance(listed, list) and ref in listed:
        listed.remove(ref)
