"""Leases that give the files of VMs out."""

from __future__ import annotations

from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.machines import Machine
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.lease.view import Content, LeaseFile
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.world import Call, Managed, World

_SUFFIXES = {"disk": "vmdk", "iso": "iso"}


def export_lease(
    world: World,
    call: Call,
    entity: Managed,
    machines: list[Machine],
    files: list[VmFile] | None = None,
) -> Lease:
    """A lease on the files of some VMs, or on these of one; ``entity`` is what its info names."""

    def prepare() -> Content:
        return Content(entity, export_files(machines, files), machines)

    task = Task(world, call.method, entity)
    return Lease(world, call, "export", task, prepare, machines=machines)


def export_files(machines: list[Machine], files: list[VmFile] | None = None) -> list[LeaseFile]:
    """The files of an export: images first, then disks, then what is left, numbered on."""
    numbered: list[LeaseFile] = []
    for machine in machines:
        for file in machine.files if files is None else files:
            if file.kind == "nvram":
                name = f"{machine.name}.nvram"
            else:
                name = f"disk-{_count(numbered)}.{_SUFFIXES[file.kind]}"
            numbered.append(LeaseFile(file, f"/{machine.moid}/{file.device}", name))
    return numbered


def _count(files: list[LeaseFile]) -> int:
    return sum(file.file.kind in _SUFFIXES for file in files)
