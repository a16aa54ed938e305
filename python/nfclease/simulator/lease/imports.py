"""Leases that make the VMs of an import spec."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory import devices
from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.inventory.machines import make_machine
from nfclease.simulator.inventory.names import entity_name, refuse_name
from nfclease.simulator.inventory.pools import ResourcePool, VirtualApp
from nfclease.simulator.inventory.stored import StoredDisk
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk
from nfclease.simulator.lease.files import Content, LeaseFile, file_name
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import fault, vim


def awaited(spec: Any) -> list[tuple[VmFile, str]]:
    """The files that an import of a ConfigSpec waits for, with their ids in the descriptor."""
    hardware = [change.device for change in spec.deviceChange]
    found: list[tuple[VmFile, str]] = []
    for change in spec.deviceChange:
        device = change.device
        disk = devices.is_disk(device)
        path = devices.file_name(device) if disk else devices.iso_path(device) or ""
        # A spec made by hand names no files: each new disk of it is one to be sent.
        if path.startswith(devices.OVF_FILE) or (disk and not path and change.fileOperation):
            file = VmFile("disk" if disk else "iso", devices.device_name(device, hardware), "", 0)
            if disk:
                file.capacity = devices.capacity(device)
            found.append((file, path.removeprefix(devices.OVF_FILE)))
    nvram = devices.nvram_of(spec.extraConfig) or ""
    if nvram.startswith(devices.OVF_FILE):
        found.append((VmFile("nvram", "nvram", "", 0), nvram.removeprefix(devices.OVF_FILE)))
    return found


@handles(vim.ResourcePool, "ImportVApp")
async def import_vapp(pool: ResourcePool, call: Call) -> Any:
    """A lease that makes what an import spec says, and takes it back if it fails."""
    world, spec = pool.world, call.arg("spec")
    vapp = isinstance(spec, vim.vApp.VAppImportSpec)
    if vapp and any(isinstance(child, vim.vApp.VAppImportSpec) for child in spec.child):
        raise fault("vmodl.fault.NotSupported", "a vApp in a vApp cannot be imported here")
    specs = [child.configSpec for child in spec.child] if vapp else [spec.configSpec]
    folder, host = call.arg("folder"), call.arg("host")
    parent = world.expect(folder, vim.Folder, "folder") if folder else None
    if host:
        world.expect(host, vim.HostSystem, "host")
    name = entity_name((spec.name if vapp else specs[0].name) or "")

    def prepare() -> Content:
        refuse_name(world, name)  # another import may have been faster
        for one in specs:
            _refuse_hosted(one)
        made = pool.add_vapp(spec.name, parent) if vapp else None
        if made is not None:
            made.configure(spec)
        machines: list[Machine] = []
        files: list[LeaseFile] = []
        for one in specs:
            place = (made or pool).place(parent)
            machines.append(make_machine(world, place, one, [file for file, _ in awaited(one)]))
            files += _lease_files(machines[-1], len(files))
        return Content(made or machines[0], files, machines)

    def destroy(content: Content) -> None:
        for machine in content.machines:
            machine.destroy()
        if isinstance(content.entity, VirtualApp):
            content.entity.destroy()

    refuse_name(world, name)
    task = Task(world, "ImportVApp", pool)
    return Lease(world, call, "import", task, prepare, destroy, _keep).ref


def _refuse_hosted(spec: Any) -> None:
    """Refuses disks as only a hosted product has them."""
    for index, change in enumerate(spec.deviceChange):
        if isinstance(change.device.backing, vim.vm.device.VirtualDisk.SparseVer2BackingInfo):
            raise fault(
                "vim.fault.DeviceUnsupportedForVmPlatform",
                property=f"configSpec.deviceChange[{index}].device.backing",
                deviceIndex=index,
            )


def _lease_files(machine: Machine, first: int) -> list[LeaseFile]:
    files = []
    for number, file in enumerate(machine.files, first):
        name = file_name(machine, file, number)
        key, import_key = f"/{machine.moid}/{file.device}", f"/{machine.name}/{file.device}"
        files.append(LeaseFile(file, key, name, import_key, create=not file.disk))
    return files


def _keep(content: Content) -> None:
    """Lets a completed import be exported: as it came, else with streams of about that size."""
    for machine in content.machines:
        for file in machine.files:
            if file.disk and file.stored is not None:
                file.content = StoredDisk(file.stored, file.capacity or 0)
            elif file.disk:
                file.content = StreamOptimizedDisk(file.size, capacity=file.capacity)
            if file.content is not None:
                file.size, file.capacity = file.content.stream_size, file.content.capacity
