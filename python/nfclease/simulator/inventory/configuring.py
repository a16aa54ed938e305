"""A VM's ConfigInfo, made from a ConfigSpec and changed by others."""

from __future__ import annotations

import copy
from typing import Any

from nfclease.simulator.inventory import devices, vapp_config
from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.fitting import fit, list_devices
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.inventory.names import entity_name, refuse_name
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk
from nfclease.simulator.soap.neutral import complete, is_set
from nfclease.simulator.soap.vsphere import DataObject, fault, vim

_d: Any = vim.vm.device
#: Fields of a ConfigSpec that a ConfigInfo has under another name, or not as they are.
_OTHERWISE = {
    "changeVersion",
    "deviceChange",
    "extraConfig",
    "files",
    "memoryMB",
    "name",
    "numCPUs",
    "numCoresPerSocket",
    "powerOpInfo",
    "vAppConfig",
    "vAppConfigRemoved",
}


def refuse_unknown(spec: Any) -> None:
    """Refuses a ConfigSpec with a field that nothing here would follow.

    Raises:
        vmodl.fault.NotSupported: It has one.
    """
    kept = {info.name: info.type for info in vim.vm.ConfigInfo._GetPropertyList()}
    for info in spec._GetPropertyList():
        value = getattr(spec, info.name)
        known = info.name in _OTHERWISE or kept.get(info.name) is info.type
        if is_set(value) and not known:
            raise fault("vmodl.fault.NotSupported", f"a VM's {info.name} cannot be set here")


def configure(machine: Machine, spec: Any) -> Any:
    """The ConfigInfo of a new VM; its devices and files get their keys and places.

    Raises:
        vmodl.fault.NotSupported: The spec has a field that nothing here would follow.
        vim.fault.InvalidDeviceSpec: A device is to be changed that does not exist yet.
    """
    refuse_unknown(spec)
    for index, change in enumerate(spec.deviceChange):
        if change.operation not in (None, _d.VirtualDeviceSpec.Operation.add):
            raise fault("vim.fault.InvalidDeviceSpec", deviceIndex=index, property="operation")
        _refuse_unknown_change(change)
    info, hardware = _empty_config(machine), list[Any]()
    fit(machine, hardware, [change.device for change in spec.deviceChange])
    info.hardware.device = hardware
    for file in machine.files:
        if file.kind == "nvram":
            file.path = f"[{machine.place.datastore.name}] {machine.name}/{machine.name}.nvram"
    _set(info, spec)
    if devices.nvram_of(spec.extraConfig):
        own = vim.option.OptionValue(key="nvram", value=f"{machine.name}.nvram")
        info.extraConfig = [*(o for o in info.extraConfig if o.key != "nvram"), own]
    return info


def _empty_config(machine: Machine) -> Any:
    """The ConfigInfo of a VM of which nobody has said anything, without devices."""
    name, store, world = machine.name, machine.place.datastore.name, machine.world
    info = vim.vm.ConfigInfo(
        changeVersion="1",
        modified=machine.created,
        name=name,
        guestFullName="Other (64-bit)",
        guestId="otherGuest64",
        alternateGuestName="",
        version="vmx-19",
        uuid=world.uuid(),
        instanceUuid=world.uuid(),
        createDate=machine.created,
        annotation="",
        firmware="bios",
        template=False,
        files=vim.vm.FileInfo(
            vmPathName=f"[{store}] {name}/{name}.vmx",
            snapshotDirectory=f"[{store}] {name}/",
            suspendDirectory=f"[{store}] {name}/",
            logDirectory=f"[{store}] {name}",
        ),
        flags=vim.vm.FlagInfo(enableLogging=True, snapshotDisabled=False, diskUuidEnabled=False),
        bootOptions=vim.vm.BootOptions(
            bootDelay=0,
            enterBIOSSetup=False,
            efiSecureBootEnabled=False,
            bootRetryEnabled=False,
            bootRetryDelay=10000,
            bootOrder=[],
        ),
        tools=vim.vm.ToolsConfigInfo(
            toolsVersion=0,
            afterPowerOn=True,
            afterResume=True,
            beforeGuestStandby=True,
            beforeGuestShutdown=True,
            toolsUpgradePolicy="manual",
            syncTimeWithHost=False,
        ),
        cpuAllocation=_allocation(1000),
        memoryAllocation=_allocation(10240),
        hardware=vim.vm.VirtualHardware(numCPU=1, numCoresPerSocket=1, memoryMB=1024),
        changeTrackingEnabled=False,
        cpuHotAddEnabled=False,
        memoryHotAddEnabled=False,
        nestedHVEnabled=False,
        maxMksConnections=40,
        swapPlacement="inherit",
    )
    complete(info)
    return info


def _allocation(shares: int) -> Any:
    level = vim.SharesInfo.Level.normal
    return vim.ResourceAllocationInfo(
        reservation=0,
        expandableReservation=False,
        limit=-1,
        shares=vim.SharesInfo(shares=shares, level=level),
    )


def reconfigure(machine: Machine, spec: Any) -> None:
    """Does what a ConfigSpec says to a VM that is there; all of it, or nothing.

    Raises:
        vmodl.fault.NotSupported: The spec has a field that nothing here would follow.
        vim.fault.ConcurrentAccess: It was made for another state of the VM.
        vim.fault.InvalidDeviceSpec: The device does not exist, or cannot be changed so.
    """
    refuse_unknown(spec)
    path = spec.files.vmPathName if spec.files else None
    if path and path != machine.path:
        raise fault("vmodl.fault.NotSupported", "a VM's files stay where they are here")
    if spec.changeVersion and spec.changeVersion != machine.config.changeVersion:
        raise fault("vim.fault.ConcurrentAccess")
    name = entity_name(spec.name) if spec.name else machine.name
    refuse_name(machine.world, name, machine)
    config, files = copy.deepcopy(machine.config), list(machine.files)
    for index, change in enumerate(spec.deviceChange):
        _change_device(machine, config.hardware.device, files, index, change)
    list_devices(config.hardware.device)
    _set(config, spec)
    config.changeVersion = str(int(config.changeVersion) + 1)
    machine.config, machine.files = config, files
    machine.props["name"] = config.name = name
    machine.world.touch()


def _set(config: Any, spec: Any) -> None:
    """Takes over the fields that are set in a spec."""
    for info in spec._GetPropertyList():
        value = getattr(spec, info.name)
        if info.name not in _OTHERWISE and is_set(value):
            setattr(config, info.name, _merged(getattr(config, info.name), value))
    hardware = config.hardware
    hardware.numCPU = spec.numCPUs or hardware.numCPU
    hardware.numCoresPerSocket = spec.numCoresPerSocket or hardware.numCoresPerSocket
    hardware.memoryMB = spec.memoryMB or hardware.memoryMB
    if spec.powerOpInfo is not None:
        config.defaultPowerOps = _merged(config.defaultPowerOps, spec.powerOpInfo)
    options = {option.key: option for option in config.extraConfig}
    for option in spec.extraConfig:
        options[option.key] = option
    config.extraConfig = [o for o in options.values() if o.value not in (None, "")]
    vapp_config.change(config, spec)


def _merged(old: Any, new: Any) -> Any:
    """A data object with the fields of the new one, where it has any."""
    if not isinstance(new, DataObject) or type(old) is not type(new):
        return new
    for info in new._GetPropertyList():
        value = getattr(new, info.name)
        if is_set(value):
            setattr(old, info.name, _merged(getattr(old, info.name), value))
    return old


def _change_device(
    machine: Machine, hardware: list[Any], files: list[VmFile], index: int, change: Any
) -> None:
    operations = _d.VirtualDeviceSpec.Operation
    _refuse_unknown_change(change)
    if change.operation in (None, operations.add):
        _add_device(machine, hardware, files, index, change)
        return
    found = next((device for device in hardware if device.key == change.device.key), None)
    if found is None:
        raise fault("vim.fault.InvalidDeviceSpec", deviceIndex=index, property="key")
    where = devices.device_name(found, hardware)
    if change.operation == operations.remove:
        hardware.remove(found)
        files[:] = [file for file in files if file.device != where]
        return
    if change.fileOperation is not None:
        raise fault("vim.fault.InvalidDeviceSpec", deviceIndex=index, property="fileOperation")
    asked = change.device
    if devices.is_disk(found) and devices.capacity(asked) not in (0, devices.capacity(found)):
        raise fault("vmodl.fault.NotSupported", "a disk cannot get another size here")
    if devices.file_name(asked) not in ("", devices.file_name(found)):
        raise fault("vmodl.fault.NotSupported", "a device cannot get another file here")
    backing, info = found.backing, found.deviceInfo
    _merged(found, asked)
    if type(asked.backing) is type(backing):
        found.backing = _merged(backing, asked.backing)
    found.deviceInfo = info


def _refuse_unknown_change(change: Any) -> None:
    """Refuses a VirtualDeviceSpec with a field that nothing here would follow."""
    for info in change._GetPropertyList():
        followed = info.name in ("operation", "fileOperation", "device")
        if is_set(getattr(change, info.name)) and not followed:
            raise fault("vmodl.fault.NotSupported", f"a device's {info.name} cannot be set here")


def _add_device(
    machine: Machine, hardware: list[Any], files: list[VmFile], index: int, change: Any
) -> None:
    device = change.device
    new_disk = devices.is_disk(device) and change.fileOperation
    if devices.is_disk(device) and not new_disk:
        raise fault("vmodl.fault.NotSupported", "a disk that is there cannot be attached here")
    if new_disk and not devices.capacity(device):
        raise fault("vim.fault.InvalidDeviceSpec", deviceIndex=index, property="capacityInKB")
    [made] = fit(machine, hardware, [device])
    if new_disk:
        content = StreamOptimizedDisk(0, capacity=devices.capacity(made))
        where = devices.device_name(made, hardware)
        path = devices.file_name(made)
        size, capacity = content.stream_size, content.capacity
        files.append(VmFile("disk", where, path, size, capacity, content))
