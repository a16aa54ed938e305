"""From a descriptor to an import spec, and from that to a lease on a new VM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nfclease.simulator.inventory import devices
from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.machines import Machine
from nfclease.simulator.inventory.names import entity_name, refuse_name
from nfclease.simulator.inventory.pools import pool_config
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.lease.view import Content, LeaseFile
from nfclease.simulator.ovf import products, reader
from nfclease.simulator.ovf.hardware import config_spec
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import MethodFault, fault, vim
from nfclease.simulator.world import Call, Managed, World

if TYPE_CHECKING:
    from nfclease.simulator.inventory.inventory import Inventory

_CIM = {"disk": 17, "iso": 15, "nvram": 1}
_SPARSE = ("sparse", "monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse")
_SUFFIXES = {"disk": "vmdk", "iso": "iso"}


def create_import_spec(world: World, text: str, params: Any) -> Any:
    """A CreateImportSpecResult; what is wrong with the descriptor is in its ``error``."""
    result = vim.OvfManager.CreateImportSpecResult()
    try:
        _refuse_params(world, params)
        mapping = {pair.key: pair.value for pair in params.propertyMapping}
        read = reader.parse(text, mapping, params.deploymentOption or "")
        specs = [
            config_spec(read, system, system.name if read.vapp else params.entityName, params)
            for system in read.systems
        ]
        result.fileItem = [item for spec in specs for item in _file_items(read, spec)]
    except MethodFault as error:
        result.error = [error]
        return result
    result.warning = _unused(read, params)
    if read.vapp:
        infos = products.config_spec(read.products)
        result.importSpec = vim.vApp.VAppImportSpec(
            name=params.entityName or read.name,
            vAppConfigSpec=vim.vApp.VAppConfigSpec(
                product=infos.product if infos else [], property=infos.property if infos else []
            ),
            resourcePoolSpec=pool_config(),
            child=[vim.vm.VmImportSpec(configSpec=spec) for spec in specs],
        )
    else:
        result.importSpec = vim.vm.VmImportSpec(configSpec=specs[0])
    changed = world.faults.take("file_item_path", {})
    if changed is not None and result.fileItem:
        result.fileItem[0].path = changed["value"]
    return result


def _refuse_params(world: World, params: Any) -> None:
    """Refuses what nothing here would follow, or what is not there."""
    for pair in params.networkMapping:
        if not isinstance(world.find(pair.network).ref, vim.Network):
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="cisp.networkMapping")
    if params.hostSystem is not None:
        world.find(params.hostSystem)
    provisioning = params.diskProvisioning
    if provisioning not in ("", None, "flat", "thin", "thick", "eagerZeroedThick", *_SPARSE):
        raise fault("vim.fault.OvfUnsupportedDiskProvisioning", diskProvisioning=provisioning)
    for name in ("resourceMapping", "storageProfileMapping"):
        if getattr(params, name, None):
            message = f"{name} is not followed here"
            raise fault("vmodl.fault.NotSupported", message)


def _unused(read: reader.Descriptor, params: Any) -> list[Any]:
    """Warnings of mappings for what the descriptor has not."""
    keys = {
        one.full_key
        for product in read.all_products()
        for one in product.properties
        if one.configurable
    }
    wrong = [f"propertyMapping({p.key})" for p in params.propertyMapping if p.key not in keys]
    wrong += [
        f"networkMapping({p.name})" for p in params.networkMapping if p.name not in read.networks
    ]
    return [fault("vmodl.fault.InvalidArgument", invalidProperty=f"cisp.{name}") for name in wrong]


def _file_items(read: reader.Descriptor, spec: Any) -> list[Any]:
    items = []
    order = list(read.files)
    chained = [(file, one) for file, last in awaited(spec) for one in _chain(read, last)]
    for file, file_id in sorted(chained, key=lambda pair: order.index(pair[1])):
        described = read.files[file_id]
        items.append(
            vim.OvfManager.FileItem(
                deviceId=f"/{spec.name}/{file.device}",
                path=described.href,
                compressionMethod=described.compression,
                chunkSize=described.chunk_size,
                size=described.size,
                cimType=_CIM[file.kind],
                create=not file.disk,
            )
        )
    return items


def _chain(read: reader.Descriptor, file_id: str) -> list[str]:
    """The files that a disk is made of: its own, and before it those that it is a delta of."""
    found = next((disk for disk in read.disks.values() if disk.file == file_id), None)
    files = [file_id]
    while found is not None and found.parent is not None:
        found = read.disks.get(found.parent)
        if found is not None and found.file is not None and found.file not in files:
            files.insert(0, found.file)
        else:
            break
    return files


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


def import_lease(inventory: Inventory, pool: Managed, call: Call) -> Lease:
    """A lease that makes what an import spec says, and takes it back if it fails."""
    world, spec = inventory.world, call.arg("spec")
    vapp = isinstance(spec, vim.vApp.VAppImportSpec)
    if vapp and any(isinstance(child, vim.vApp.VAppImportSpec) for child in spec.child):
        raise fault("vmodl.fault.NotSupported", "a vApp in a vApp cannot be imported here")
    specs = [child.configSpec for child in spec.child] if vapp else [spec.configSpec]
    folder = call.arg("folder")
    parent = world.find(folder) if folder else None
    name = entity_name((spec.name if vapp else specs[0].name) or "")

    def prepare() -> Content:
        refuse_name(world, name)  # another import may have been faster
        made = inventory.add_vapp(spec.name, pool, parent) if vapp else None
        if made is not None:
            made.configure(spec)
        above = made or (pool if isinstance(pool.ref, vim.VirtualApp) else parent)
        machines: list[Machine] = []
        files: list[LeaseFile] = []
        for one in specs:
            place = inventory.place(above, pool)
            machines.append(Machine(world, place, one, [file for file, _ in awaited(one)]))
            files += _lease_files(machines[-1], len(files))
        return Content(made or machines[0], files, machines)

    def destroy(content: Content) -> None:
        for machine in content.machines:
            machine.destroy()
        if vapp:
            inventory.remove_vapp(content.entity)

    refuse_name(world, name)
    task = Task(world, "ImportVApp", pool)
    return Lease(world, call, "import", task, prepare, destroy, _keep)


def _lease_files(machine: Machine, first: int) -> list[LeaseFile]:
    files = []
    for number, file in enumerate(machine.files, first):
        nvram = file.kind == "nvram"
        name = f"{machine.name}.nvram" if nvram else f"disk-{number}.{_SUFFIXES[file.kind]}"
        key, import_key = f"/{machine.moid}/{file.device}", f"/{machine.name}/{file.device}"
        files.append(LeaseFile(file, key, name, import_key, create=not file.disk))
    return files


def _keep(content: Content) -> None:
    """Lets a completed import be exported: its disks get streams of about the size received."""
    for machine in content.machines:
        for file in machine.files:
            if file.disk:
                file.content = StreamOptimizedDisk(file.size, capacity=file.capacity)
                file.size, file.capacity = file.content.stream_size, file.content.capacity
