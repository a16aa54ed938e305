"""New devices of a VM: each gets its key, label, place in the datastore, address and state."""

from __future__ import annotations

import copy
from typing import Any

from nfclease.simulator.inventory import devices, labels
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.inventory.place import Place
from nfclease.simulator.soap.neutral import complete
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import World

_d: Any = vim.vm.device


def fit(machine: Machine, hardware: list[Any], new: list[Any]) -> list[Any]:
    """Adds copies of new devices to a VM's hardware; returns them.

    A key is kept if it is positive and nobody else's.
    """
    made = [copy.deepcopy(device) for device in new]
    given: dict[int, int] = {}
    for device in made:
        device.deviceInfo = None
        asked = device.key or 0
        if asked <= 0 or any(other.key == asked for other in hardware):
            device.key = labels.free_key(device, hardware)
            if isinstance(device, _d.VirtualController):
                given[asked] = device.key
        hardware.append(device)
    for device in made:
        device.controllerKey = given.get(device.controllerKey, device.controllerKey)
        _connect(device, machine.place)
        device.deviceInfo = labels.describe(device, [d for d in hardware if d is not device])
        if isinstance(device, _d.VirtualEthernetCard) and not device.macAddress:
            device.macAddress, device.addressType = _address(machine.world), "assigned"
    _place(machine, hardware, made)
    list_devices(hardware)
    return made


def list_devices(hardware: list[Any]) -> None:
    """Lets each controller list what hangs on it."""
    for controller in hardware:
        if isinstance(controller, _d.VirtualController):
            controller.device = [d.key for d in hardware if d.controllerKey == controller.key]


def _connect(device: Any, place: Place) -> None:
    """The state of a device that can be connected; a card's network, a disk's backing."""
    if isinstance(device, (_d.VirtualEthernetCard, _d.VirtualCdrom, _d.VirtualFloppy)):
        usual = _d.VirtualDevice.ConnectInfo(startConnected=True, allowGuestControl=True)
        device.connectable = complete(device.connectable or usual)
        device.connectable.connected = False
        device.connectable.status = "untried"
    if isinstance(device, _d.VirtualEthernetCard):
        network = device.backing.network if _standard(device.backing) else None
        found = place.network if network is None else place.network.world.find(network)
        if device.backing is None or _standard(device.backing):
            device.backing = _d.VirtualEthernetCard.NetworkBackingInfo(
                deviceName=found.name, network=found.ref, useAutoDetect=False
            )
        if device.wakeOnLanEnabled is None:
            device.wakeOnLanEnabled = True
    if devices.is_disk(device):
        device.backing = device.backing or devices.flat_backing("thin")
        size = devices.capacity(device)
        device.capacityInBytes, device.capacityInKB = size, size >> 10


def _standard(backing: Any) -> bool:
    return isinstance(backing, _d.VirtualEthernetCard.NetworkBackingInfo)


def _address(world: World) -> str:
    """A MAC address as vCenter gives them."""
    number = world.random.getrandbits(22)
    return f"00:50:56:{0x80 | number >> 16:02x}:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}"


def _place(machine: Machine, hardware: list[Any], made: list[Any]) -> None:
    """Gives the backings of new devices their paths in the datastore."""
    store, name = machine.place.datastore, machine.name
    by_device = {file.device: file for file in machine.files}
    taken = {devices.file_name(device) for device in hardware if device not in made}
    for device in made:
        path = devices.iso_path(device)
        if devices.is_disk(device):
            numbers = (f"_{n}" if n else "" for n in range(len(hardware)))
            paths = (f"[{store.name}] {name}/{name}{suffix}.vmdk" for suffix in numbers)
            path = next(one for one in paths if one not in taken)
            device.backing.uuid = machine.world.uuid()
            devices.written(device, machine.world.random)
        elif path is None:
            continue
        elif path.startswith(devices.OVF_FILE):
            path = f"[{store.name}] {name}/_deviceImage-{device.unitNumber or 0}.iso"
        taken.add(path)
        device.backing.fileName, device.backing.datastore = path, store.ref
        file = by_device.get(devices.device_name(device, hardware))
        if file is not None:
            file.path = path
