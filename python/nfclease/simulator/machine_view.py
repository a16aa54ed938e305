"""What a VM shows of itself: the data objects behind its properties."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from nfclease.simulator import devices
from nfclease.simulator.vsphere import vim

if TYPE_CHECKING:
    from nfclease.simulator.machines import Machine


def configure(machine: Machine, spec: Any) -> Any:
    """The ConfigInfo of a new VM; its devices and files get their keys and places."""
    name, store = machine.name, machine.place.datastore.name
    hardware = [copy.deepcopy(change.device) for change in spec.deviceChange]
    keys = {device.key: machine.world.number() + 1000 for device in hardware if device.key < 0}
    for device in hardware:
        device.key = keys.get(device.key, device.key)
        device.controllerKey = keys.get(device.controllerKey, device.controllerKey)
        label = type(device)._wsdlName.removeprefix("Virtual")
        device.deviceInfo = vim.Description(label=f"{label} {device.key}", summary=label)
    _place_files(machine, hardware)
    path = f"[{store}] {name}/{name}.vmx"
    nvram = devices.nvram_of(spec.extraConfig)
    extra = [option for option in spec.extraConfig if option.key != "nvram"]
    if nvram:
        extra.append(vim.option.OptionValue(key="nvram", value=f"{name}.nvram"))
    return vim.vm.ConfigInfo(
        changeVersion="1",
        modified=machine.created,
        name=name,
        guestFullName="Other (64-bit)",
        guestId=spec.guestId or "otherGuest64",
        version=spec.version or "vmx-19",
        uuid=machine.world.uuid(),
        instanceUuid=machine.world.uuid(),
        annotation=spec.annotation or "",
        firmware=spec.firmware or "bios",
        template=False,
        files=vim.vm.FileInfo(vmPathName=path, logDirectory=path.rpartition("/")[0]),
        hardware=vim.vm.VirtualHardware(
            numCPU=spec.numCPUs or 1,
            numCoresPerSocket=1,
            memoryMB=spec.memoryMB or 1024,
            device=hardware,
        ),
        extraConfig=extra,
        vAppConfig=None,
    )


def _place_files(machine: Machine, hardware: list[Any]) -> None:
    """Gives the backings of a new VM their paths in the datastore."""
    store, name, disks = machine.place.datastore.name, machine.name, 0
    by_device = {file.device: file for file in machine.files}
    for device in hardware:
        if devices.is_disk(device):
            suffix = f"_{disks}" if disks else ""
            disks += 1
            path = f"[{store}] {name}/{name}{suffix}.vmdk"
            device.backing = device.backing or devices.flat_backing("thin")
        elif devices.iso_path(device) is not None:
            path = f"[{store}] {name}/_deviceImage-{device.unitNumber or 0}.iso"
        else:
            continue
        device.backing.fileName = path
        file = by_device.get(devices.device_name(device, hardware))
        if file is not None:
            file.path = path
    for file in machine.files:
        if file.kind == "nvram":
            file.path = f"[{store}] {name}/{name}.nvram"


def runtime(machine: Machine) -> Any:
    """How it runs, and where."""
    return vim.vm.RuntimeInfo(
        host=machine.place.host.ref,
        connectionState=vim.VirtualMachine.ConnectionState.connected,
        powerState=machine.power,
        faultToleranceState=vim.VirtualMachine.FaultToleranceState.notConfigured,
        toolsInstallerMounted=False,
        suspendInterval=0,
        numMksConnections=0,
        consolidationNeeded=False,
    )


def summary(machine: Machine) -> Any:
    """The short form of the rest."""
    config, hardware = machine.config, machine.config.hardware
    disks = [device for device in hardware.device if devices.is_disk(device)]
    api = vim.vm.Summary
    return api(
        vm=machine.ref,
        runtime=runtime(machine),
        guest=api.GuestSummary(guestFullName=config.guestFullName),
        config=api.ConfigSummary(
            name=config.name,
            template=False,
            vmPathName=config.files.vmPathName,
            memorySizeMB=hardware.memoryMB,
            numCpu=hardware.numCPU,
            numEthernetCards=1,
            numVirtualDisks=len(disks),
            uuid=config.uuid,
            instanceUuid=config.instanceUuid,
            guestId=config.guestId,
            guestFullName=config.guestFullName,
            annotation=config.annotation,
        ),
        storage=api.StorageSummary(
            committed=machine.committed,
            uncommitted=max(sum(map(devices.capacity, disks)) - machine.committed, 0),
            unshared=machine.committed,
            timestamp=machine.created,
        ),
        quickStats=api.QuickStats(),
        overallStatus=vim.ManagedEntity.Status.green,
    )


def guest(machine: Machine) -> Any:
    """What is known of the guest without tools in it."""
    running = machine.power == vim.VirtualMachine.PowerState.poweredOn
    return vim.vm.GuestInfo(
        toolsStatus=vim.vm.GuestInfo.ToolsStatus.toolsNotInstalled,
        guestState="running" if running else "notRunning",
    )


def storage(machine: Machine) -> Any:
    """What it takes of the datastore."""
    usage = vim.vm.StorageInfo.UsageOnDatastore(
        datastore=machine.place.datastore.ref,
        committed=machine.committed,
        uncommitted=0,
        unshared=machine.committed,
    )
    return vim.vm.StorageInfo(perDatastoreUsage=[usage], timestamp=machine.created)


def layout(machine: Machine) -> Any:
    """Its files in the datastore."""
    api = vim.vm.FileLayoutEx
    files = [
        api.FileInfo(key=key, name=file.path, type=file.kind, size=file.size)
        for key, file in enumerate(machine.files)
    ]
    return api(file=files, timestamp=machine.created)
