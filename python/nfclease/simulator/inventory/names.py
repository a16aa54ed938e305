"""Names of entities, as vCenter keeps them."""

from __future__ import annotations

import re

from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, World

_ESCAPED = re.compile(r"%(?!2f|5c|25)", re.IGNORECASE)


def entity_name(text: str) -> str:
    """A name with ``%2f`` for a slash, ``%5c`` for a backslash, ``%25`` for a percent sign.

    An inventory path is cut at its slashes. What is escaped already stays as it is.
    """
    return _ESCAPED.sub("%25", text).replace("/", "%2f").replace("\\", "%5c")


def entity_named(world: World, name: str) -> Managed | None:
    """The VM or vApp of a name, wherever it is: names are unique here."""
    for managed in world.objects.values():
        if isinstance(managed.ref, (vim.VirtualMachine, vim.VirtualApp)) and managed.name == name:
            return managed
    return None


def refuse_name(world: World, name: str, own: Managed | None = None) -> None:
    """Refuses a malformed name, and one that another VM or vApp has.

    Raises:
        vim.fault.InvalidName: It is empty, or longer than 80 characters.
        vim.fault.DuplicateName: With the one that has it.
    """
    if not name or len(name) > 80:
        raise fault("vim.fault.InvalidName", name=name)
    existing = entity_named(world, name)
    if existing is not None and existing is not own:
        raise fault("vim.fault.DuplicateName", name=name, object=existing.ref)
