"""What devices of a VM are called, and the keys that they have."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory import devices
from nfclease.simulator.soap.vsphere import vim

_d: Any = vim.vm.device
#: By type: the label, whether it counts from 0, and the first key. The first that fits is taken.
_KINDS: tuple[tuple[Any, str, int, int], ...] = (
    (_d.VirtualDisk, "Hard disk", 1, 2000),
    (_d.VirtualCdrom, "CD/DVD drive", 1, 3000),
    (_d.VirtualFloppy, "Floppy drive", 1, 8000),
    (_d.VirtualEthernetCard, "Network adapter", 1, 4000),
    (_d.VirtualSCSIController, "SCSI controller", 0, 1000),
    (_d.VirtualSATAController, "SATA controller", 0, 15000),
    (_d.VirtualNVMEController, "NVME controller", 0, 31000),
    (_d.VirtualIDEController, "IDE", 0, 200),
    (_d.VirtualUSBController, "USB controller", 0, 7000),
    (_d.VirtualUSBXHCIController, "USB xHCI controller", 0, 14000),
    (_d.VirtualSerialPort, "Serial port", 1, 9000),
    (_d.VirtualParallelPort, "Parallel port", 1, 10000),
    (_d.VirtualVideoCard, "Video card", 1, 500),
    (_d.VirtualSoundCard, "Sound card", 1, 5000),
    (_d.VirtualTPM, "Virtual TPM", 1, 11000),
)
_SUMMARIES = {
    "ParaVirtualSCSIController": "VMware paravirtual SCSI",
    "VirtualLsiLogicController": "LSI Logic",
    "VirtualLsiLogicSASController": "LSI Logic SAS",
    "VirtualBusLogicController": "BusLogic",
    "VirtualAHCIController": "AHCI",
}


def _kind(device: Any) -> tuple[Any, str, int, int]:
    for kind in _KINDS:
        if isinstance(device, kind[0]):
            return kind
    return type(device), type(device)._wsdlName.removeprefix("Virtual"), 1, 20000


def free_key(device: Any, hardware: list[Any]) -> int:
    """A key for a new device, as vSphere counts them."""
    used = {other.key for other in hardware if other is not device}
    key = _kind(device)[3]
    while key in used:
        key += 1
    return key


def describe(device: Any, hardware: list[Any]) -> Any:
    """The label and summary of a device: the next number of its kind, or its controller's bus."""
    kind, label, first, _ = _kind(device)
    if isinstance(device, _d.VirtualController):
        number = device.busNumber or 0
    else:
        taken = {_number(other) for other in hardware if isinstance(other, kind)}
        number = next(n for n in range(first, first + len(hardware) + 1) if n not in taken)
    single = kind in (_d.VirtualVideoCard, _d.VirtualSoundCard, _d.VirtualTPM)
    text = label if single else f"{label} {number}"
    return vim.Description(label=text, summary=_summary(device, text))


def _number(device: Any) -> int | None:
    words = device.deviceInfo.label.split() if device.deviceInfo else []
    return int(words[-1]) if words and words[-1].isdigit() else None


def _summary(device: Any, label: str) -> str:
    if devices.is_disk(device):
        return f"{devices.capacity(device) >> 10:,} KB"
    if isinstance(device, _d.VirtualEthernetCard):
        return getattr(device.backing, "deviceName", None) or label
    path = devices.iso_path(device)
    if path is not None:
        return f"ISO {path}"
    return _SUMMARIES.get(type(device)._wsdlName, label)
