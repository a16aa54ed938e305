"""From a descriptor to an import spec, and from that to a lease on a new VM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nfclease.simulator import devices, ovf
from nfclease.simulator.devices import VmFile
from nfclease.simulator.leases import Content, Lease, LeaseFile
from nfclease.simulator.machines import Machine
from nfclease.simulator.tasks import Task
from nfclease.simulator.vmdk import StreamOptimizedDisk
from nfclease.simulator.vsphere import fault, support, vim
from nfclease.simulator.world import Call, Managed, World

if TYPE_CHECKING:
    from nfclease.simulator.inventory import Inventory

_CIM = {"disk": 17, "iso": 15, "nvram": 1}


def create_import_spec(world: World, text: str, params: Any) -> Any:
    """A CreateImportSpecResult; what is wrong with the descriptor is in its ``error``."""
    result = vim.OvfManager.CreateImportSpecResult()
    try:
        read = ovf.parse(text)
        specs = [
            _config_spec(read, system, system.name if read.vapp else params.entityName, params)
            for system in read.systems
        ]
        result.fileItem = [item for spec in specs for item in _file_items(read, spec)]
    except support.GetVmodlType("vmodl.MethodFault") as error:
        result.error = [error]
        return result
    if read.vapp:
        result.importSpec = vim.vApp.VAppImportSpec(
            name=params.entityName or read.name,
            vAppConfigSpec=vim.vApp.VAppConfigSpec(),
            resourcePoolSpec=None,
            child=[vim.vm.VmImportSpec(configSpec=spec) for spec in specs],
        )
    else:
        result.importSpec = vim.vm.VmImportSpec(configSpec=specs[0])
    changed = world.faults.take("file_item_path")
    if changed is not None and result.fileItem:
        result.fileItem[0].path = changed["value"]
    return result


def _config_spec(read: ovf.Descriptor, system: ovf.System, name: str, params: Any) -> Any:
    hardware: list[Any] = []
    keys: dict[str, int] = {}
    networks = {mapping.name: mapping.network for mapping in params.networkMapping}
    provisioning = params.diskProvisioning or "thin"
    spec = vim.vm.ConfigSpec(
        name=name or system.name,
        version=system.hardware_version,
        annotation=system.annotation or None,
        guestId="otherGuest64",
        firmware=system.config.get("firmware"),
        files=vim.vm.FileInfo(vmPathName=""),
    )
    ordered = sorted(system.items, key=lambda item: item.kind not in (5, 6, 20))
    for number, item in enumerate(ordered, 1):
        keys[item.values.get("InstanceID", "")] = key = -number
        parent = keys.get(item.values.get("Parent", ""), 0)
        unit = item.number("AddressOnParent")
        subtype = item.values.get("ResourceSubType", "")
        resource = item.values.get("HostResource", "").removeprefix("ovf:")
        if item.kind == 3:
            spec.numCPUs = item.number("VirtualQuantity", 1)
        elif item.kind == 4:
            spec.memoryMB = item.number("VirtualQuantity", 1024)
        elif item.kind == 5:
            hardware.append(vim.vm.device.VirtualIDEController(key=key, busNumber=item.number("Address")))
        elif item.kind in (6, 20):
            kind = subtype or ("ahci" if item.kind == 20 else "lsilogic")
            hardware.append(devices.scsi_controller(kind, key, item.number("Address")))
        elif item.kind in (14, 15, 16):
            if item.kind != 14:
                path = f"{devices.OVF_FILE}{_file(read, resource).id}" if resource else ""
                hardware.append(devices.cdrom(key, parent, unit, path))
        elif item.kind == 17:
            disk = _disk(read, resource)
            device = devices.disk(key, parent, unit, disk.capacity, provisioning)
            if disk.file is not None:
                device.backing.fileName = f"{devices.OVF_FILE}{disk.file}"
            hardware.append(device)
        elif item.kind == 10:
            source = item.values.get("Connection", "")
            target = networks.get(source)
            card = devices.network_card(key, source or "VM Network", subtype)
            card.backing.network = target
            hardware.append(card)
    spec.deviceChange = [devices.added(device) for device in hardware]
    nvram = system.extra_config.get("nvram")
    if nvram:
        _file(read, nvram.removeprefix("ovf:"))
        spec.extraConfig = [vim.option.OptionValue(key="nvram", value=nvram)]
    return spec


def _file(read: ovf.Descriptor, resource: str) -> ovf.File:
    found = read.files.get(resource.removeprefix("/file/"))
    if found is None:
        raise _invalid(resource)
    return found


def _disk(read: ovf.Descriptor, resource: str) -> ovf.Disk:
    found = read.disks.get(resource.removeprefix("/disk/"))
    if found is None:
        raise _invalid(resource)
    return found


def _invalid(resource: str) -> Any:
    return fault(
        "vim.fault.OvfInvalidValue",
        f"no {resource}",
        lineNumber=0,
        elementName="Item",
        attributeName="HostResource",
        value=resource,
    )


def awaited(spec: Any) -> list[tuple[VmFile, str]]:
    """The files that an import of a ConfigSpec waits for, with their ids in the descriptor."""
    hardware = [change.device for change in spec.deviceChange]
    found: list[tuple[VmFile, str]] = []
    for device in hardware:
        if devices.is_disk(device):
            kind, path = "disk", device.backing.fileName or ""
        else:
            kind, path = "iso", devices.iso_path(device) or ""
        if path.startswith(devices.OVF_FILE):
            name = devices.device_name(device, hardware)
            file = VmFile(kind, name, "", 0)
            if kind == "disk":
                file.capacity = device.capacityInBytes or (device.capacityInKB or 0) << 10
            found.append((file, path.removeprefix(devices.OVF_FILE)))
    nvram = devices.nvram_of(spec.extraConfig) or ""
    if nvram.startswith(devices.OVF_FILE):
        found.append((VmFile("nvram", "nvram", "", 0), nvram.removeprefix(devices.OVF_FILE)))
    return found


def _file_items(read: ovf.Descriptor, spec: Any) -> list[Any]:
    items = []
    order = list(read.files)
    for file, file_id in sorted(awaited(spec), key=lambda pair: order.index(pair[1])):
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


def import_lease(inventory: Inventory, pool: Managed, call: Call) -> Lease:
    """A lease that makes what an import spec says, and takes it back if it fails."""
    world, spec = inventory.world, call.arg("spec")
    vapp = isinstance(spec, vim.vApp.VAppImportSpec)
    children = spec.child if vapp else [spec]
    specs = [child.configSpec for child in children]
    folder = call.arg("folder")
    parent = world.find(folder) if folder else None
    for name in [spec.name] if vapp else [one.name for one in specs]:
        existing = inventory.entity_named(name)
        if existing is not None:
            raise fault("vim.fault.DuplicateName", name=name, object=existing.ref)

    def prepare() -> Content:
        entity: Managed | None = None
        if vapp:
            entity = parent_of = inventory.add_vapp(spec.name, pool, parent)
        else:
            parent_of = pool if isinstance(pool.ref, vim.VirtualApp) else parent
        machines, files = [], []
        for one in specs:
            machine = Machine(
                world, inventory.place(parent_of, pool), one, [file for file, _ in awaited(one)]
            )
            machines.append(machine)
            files += _lease_files(machine, len(files))
        return Content(entity or machines[0], files, machines)

    def destroy(content: Content) -> None:
        for machine in content.machines:
            machine.destroy()
        if vapp:
            inventory.remove_vapp(content.entity)

    task = Task(world, "ImportVApp", pool)
    return Lease(world, call, "import", task, prepare, destroy, keep_contents)


def _lease_files(machine: Machine, first: int) -> list[LeaseFile]:
    suffixes = {"disk": "vmdk", "iso": "iso"}
    return [
        LeaseFile(
            file,
            key=f"/{machine.moid}/{file.device}",
            name=(
                f"{machine.name}.nvram"
                if file.kind == "nvram"
                else f"disk-{number}.{suffixes[file.kind]}"
            ),
            import_key=f"/{machine.name}/{file.device}",
            create=not file.disk,
        )
        for number, file in enumerate(machine.files, first)
    ]


def keep_contents(content: Content) -> None:
    """Lets a completed import be exported: its disks get streams of about the size received."""
    for machine in content.machines:
        for file in machine.files:
            if file.disk:
                file.content = StreamOptimizedDisk(file.size)
                file.size, file.capacity = file.content.stream_size, file.content.capacity

