"""Disks that differ in length, of a VM and of a package."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from nfclease.simulator import Simulator

from .inventory import add_disks, find, unique
from .packages import stream_disk

#: Of the VM's first disk and of those that are added, in MiB.
SIZES = (20, 10, 40, 30)
LONGEST_FIRST = ["disk-2.vmdk", "disk-3.vmdk", "disk-0.vmdk", "disk-1.vmdk"]

FILES = {
    "a.vmdk": stream_disk(30, 1),
    "b.vmdk": stream_disk(80, 2),
    "c.vmdk": stream_disk(60, 3),
}


def differing_vm(simulator: Simulator, service: Any) -> Any:
    """A VM whose disks differ, with an nvram."""
    name = unique("differing")
    simulator.add_vm(name, disks=1, disk_size=1 << 20, capacity=SIZES[0] << 20)
    made = find(service, vim.VirtualMachine, name)
    add_disks(made, *SIZES[1:])
    simulator.reset()
    return made
