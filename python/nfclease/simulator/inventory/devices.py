"""Virtual hardware: device lists of new VMs, and the names that devices have in leases."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from nfclease.simulator.inventory.stored import DiskContent, Stored
from nfclease.simulator.soap.vsphere import vim

_d: Any = vim.vm.device
_UNITS = [unit for unit in range(16) if unit != 7]  # 7 is the controller itself
ISO_SIZE = 2 << 20
NVRAM_SIZE = 8684  # as an EFI VM has it
OVF_FILE = "ovf:/file/"  # a backing that an import has yet to fill


@dataclasses.dataclass
class VmFile:
    """A file of a VM that a lease moves.

    Attributes:
        kind: ``disk``, ``iso`` or ``nvram``.
        device: The device's name in keys, such as ``ParaVirtualSCSIController0:0``.
        path: Where it is in the datastore.
        size: Bytes of the stream or file; of an import, what was received.
        capacity: Bytes of the virtual disk.
        content: Where the bytes of a disk come from.
        received: Size and SHA-1 of what an import received.
        stored: What it received, where that can be given out again.
    """

    kind: str
    device: str
    path: str
    size: int
    capacity: int | None = None
    content: DiskContent | None = None
    received: tuple[int, str] | None = None
    stored: Stored | None = None

    @property
    def disk(self) -> bool:
        """Whether it is a virtual disk."""
        return self.kind == "disk"

    def small_content(self) -> bytes:
        """The bytes of a file other than a disk: what an import brought, or the same each time."""
        if self.stored is not None:
            return self.stored.read(0, self.size)
        return random.Random(self.path).randbytes(self.size)


def config_spec(name: str, capacities: list[int], iso: str | None, nvram: bool) -> Any:
    """A ConfigSpec with disks of these bytes on paravirtual SCSI controllers."""
    ide = _d.VirtualIDEController(key=200, busNumber=0)
    devices: list[Any] = [ide]
    for index, capacity in enumerate(capacities):
        bus, position = divmod(index, len(_UNITS))
        if position == 0:
            devices.append(scsi_controller("VirtualSCSI", 1000 + bus, bus))
        devices.append(disk(2000 + index, 1000 + bus, _UNITS[position], capacity, "thin"))
    if iso:
        devices.append(cdrom(3000, ide.key, 0, iso))
    devices.append(network_card(4000, "VM Network", "VmxNet3"))
    spec = vim.vm.ConfigSpec(
        name=name,
        version="vmx-19",
        guestId="otherGuest64",
        firmware="efi" if nvram else "bios",
        numCPUs=1,
        memoryMB=1024,
        files=vim.vm.FileInfo(vmPathName=""),
        deviceChange=[added(device) for device in devices],
    )
    if nvram:
        spec.extraConfig = [vim.option.OptionValue(key="nvram", value=f"{name}.nvram")]
    return spec


def added(device: Any) -> Any:
    """A device as a change of a ConfigSpec."""
    operations = _d.VirtualDeviceSpec
    change = operations(operation=operations.Operation.add, device=device)
    if isinstance(device, _d.VirtualDisk):
        change.fileOperation = operations.FileOperation.create
    return change


def scsi_controller(subtype: str, key: int, bus: int) -> Any:
    """A SCSI or SATA controller by its ResourceSubType of OVF."""
    kinds = {
        "virtualscsi": _d.ParaVirtualSCSIController,
        "lsilogicsas": _d.VirtualLsiLogicSASController,
        "buslogic": _d.VirtualBusLogicController,
        "ahci": _d.VirtualAHCIController,
        "vmware.sata.ahci": _d.VirtualAHCIController,
    }
    kind = kinds.get(subtype.lower(), _d.VirtualLsiLogicController)
    controller = kind(key=key, busNumber=bus)
    if isinstance(controller, _d.VirtualSCSIController):
        controller.sharedBus = _d.VirtualSCSIController.Sharing.noSharing
        controller.scsiCtlrUnitNumber = 7
    return controller


def disk(key: int, controller: int, unit: int, capacity: int, provisioning: str) -> Any:
    """A virtual disk."""
    return _d.VirtualDisk(
        key=key,
        controllerKey=controller,
        unitNumber=unit,
        capacityInKB=capacity >> 10,
        capacityInBytes=capacity,
        backing=flat_backing(provisioning),
    )


def flat_backing(provisioning: str) -> Any:
    """The backing of a disk in a datastore; a sparse one is for hosted products only."""
    if provisioning == "monolithicSparse":
        return _d.VirtualDisk.SparseVer2BackingInfo(fileName="", diskMode="persistent")
    return _d.VirtualDisk.FlatVer2BackingInfo(
        fileName="",
        diskMode="persistent",
        thinProvisioned=provisioning == "thin",
        eagerlyScrub=provisioning == "eagerZeroedThick" or None,
    )


def file_name(device: Any) -> str:
    """Where a device's file is; empty for one that has none, or none yet."""
    return getattr(device.backing, "fileName", None) or ""


def cdrom(key: int, controller: int, unit: int, path: str) -> Any:
    """A CD-ROM drive with an image in it; an empty path is a drive of the client's."""
    if path:
        backing = _d.VirtualCdrom.IsoBackingInfo(fileName=path)
    else:
        backing = _d.VirtualCdrom.RemotePassthroughBackingInfo(deviceName="", exclusive=False)
    return _d.VirtualCdrom(key=key, controllerKey=controller, unitNumber=unit, backing=backing)


def network_card(key: int, network: str, subtype: str) -> Any:
    """A network card by its ResourceSubType of OVF."""
    kinds = {"e1000": _d.VirtualE1000, "e1000e": _d.VirtualE1000e, "pcnet32": _d.VirtualPCNet32}
    kind = kinds.get(subtype.lower(), _d.VirtualVmxnet3)
    backing = _d.VirtualEthernetCard.NetworkBackingInfo(deviceName=network)
    return kind(key=key, unitNumber=7, addressType="generated", backing=backing)


def device_name(device: Any, devices: list[Any]) -> str:
    """The name of a device in keys: its controller's type and bus, and its unit."""
    controller = next((d for d in devices if d.key == device.controllerKey), None)
    if controller is None:
        return f"Device{device.key}:{device.unitNumber or 0}"
    kind = type(controller)._wsdlName
    return f"{kind}{controller.busNumber}:{device.unitNumber or 0}"


def capacity(device: Any) -> int:
    """Bytes of a virtual disk; older clients say them in KiB only."""
    return int(device.capacityInBytes or (device.capacityInKB or 0) << 10)


def cards(hardware: list[Any]) -> list[Any]:
    """The network cards."""
    return [device for device in hardware if isinstance(device, _d.VirtualEthernetCard)]


def written(device: Any, numbers: random.Random) -> None:
    """Gives a disk another content id, as the first write after it was opened does."""
    if hasattr(device.backing, "contentId"):
        device.backing.contentId = f"{numbers.getrandbits(128):032x}"


def is_disk(device: Any) -> bool:
    """Whether a device is a virtual disk."""
    return isinstance(device, _d.VirtualDisk)


def iso_path(device: Any) -> str | None:
    """The image in a CD-ROM drive, if this is one and has one."""
    if isinstance(device, _d.VirtualCdrom) and isinstance(
        device.backing, _d.VirtualCdrom.IsoBackingInfo
    ):
        return str(device.backing.fileName)
    return None


def nvram_of(extra_config: list[Any]) -> str | None:
    """The value of ``nvram`` in an extraConfig; None where nothing of the kind is there."""
    return next((str(option.value) for option in extra_config if option.key == "nvram"), None)
