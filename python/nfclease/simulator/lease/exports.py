"""Leases that give the files of VMs out."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.machine import Machine, Snapshot
from nfclease.simulator.inventory.pools import VirtualApp
from nfclease.simulator.lease.files import Content, LeaseFile, file_name
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import Managed


def export_lease(
    call: Call,
    entity: Managed,
    machines: list[Machine],
    files: list[VmFile] | None = None,
) -> Lease:
    """A lease on the files of some VMs, or on these of one; ``entity`` is what its info names."""

    def prepare() -> Content:
        return Content(entity, export_files(machines, files), machines)

    for machine in machines:
        machine.refuse_export()
    task = Task(entity.world, call.method, entity)
    task.shared = True
    return Lease(entity.world, call, "export", task, prepare, machines=machines)


def export_files(machines: list[Machine], files: list[VmFile] | None = None) -> list[LeaseFile]:
    """The files of an export: images first, then disks, then what is left, numbered on."""
    numbered: list[LeaseFile] = []
    for machine in machines:
        for file in machine.files if files is None else files:
            name = file_name(machine, file, _count(numbered))
            numbered.append(LeaseFile(file, f"/{machine.moid}/{file.device}", name))
    return numbered


def _count(files: list[LeaseFile]) -> int:
    return sum(file.file.kind != "nvram" for file in files)


@handles(vim.VirtualMachine, "ExportVm")
async def export_vm(machine: Machine, call: Call) -> Any:
    """A lease on the files of a VM that is switched off."""
    machine.refuse_running()
    return export_lease(call, machine, [machine]).ref


@handles(vim.vm.Snapshot, "ExportSnapshot")
async def export_snapshot(snapshot: Snapshot, call: Call) -> Any:
    """A lease on the VM's files at this moment; the VM may run."""
    return export_lease(call, snapshot.machine, [snapshot.machine], snapshot.files).ref


@handles(vim.VirtualApp, "ExportVApp")
async def export_vapp(vapp: VirtualApp, call: Call) -> Any:
    """A lease on the files of all its VMs, each of which is switched off."""
    for machine in vapp.machines():
        machine.refuse_running()
    return export_lease(call, vapp, vapp.machines()).ref
