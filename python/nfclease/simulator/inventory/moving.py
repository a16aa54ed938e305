"""Where a VM may be moved."""

from __future__ import annotations

import dataclasses
from typing import Any

from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.inventory.place import Place
from nfclease.simulator.registry import Call
from nfclease.simulator.soap.neutral import is_set
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed

#: Fields of a RelocateSpec that are followed; each other one is refused.
_FOLLOWED = {"datastore", "host", "pool", "folder", "diskMoveType"}


def moved(machine: Machine, call: Call) -> Place:
    """The place that RelocateVM_Task or MigrateVM_Task asks for.

    Raises:
        vmodl.fault.NotSupported: The call asks for what nothing here would follow.
        vmodl.fault.InvalidArgument: It names something of another kind.
    """
    spec = call.arg("spec")
    asked: dict[str, Any] = {name: call.arg(name) for name in ("pool", "host")}
    if spec is not None:
        for info in spec._GetPropertyList():
            value = getattr(spec, info.name)
            if is_set(value) and info.name not in _FOLLOWED:
                raise fault("vmodl.fault.NotSupported", f"a move cannot have a {info.name} here")
        asked = {name: getattr(spec, name) for name in ("pool", "host", "datastore", "folder")}
    state = call.arg("state")
    if state is not None and state != machine.power:
        machine.refuse_power(machine.power, state)
    kinds = {
        "pool": vim.ResourcePool,
        "host": vim.HostSystem,
        "datastore": vim.Datastore,
        "folder": vim.Folder,
    }
    found: dict[str, Managed] = {}
    for name, ref in asked.items():
        if ref is not None:
            found[name] = machine.world.expect(ref, kinds[name], name)
    if "folder" in found:
        found["parent"] = found.pop("folder")
    pool = found.get("pool")
    if pool is not None and isinstance(pool.ref, vim.VirtualApp):
        found["parent"] = pool
    elif pool is not None and isinstance(machine.place.parent.ref, vim.VirtualApp):
        found.setdefault("parent", machine.world.find(machine.place.parent.get("parentFolder")))
    return dataclasses.replace(machine.place, **found)
