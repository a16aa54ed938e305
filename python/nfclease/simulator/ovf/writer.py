"""OVF descriptors, written: what CreateDescriptor answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from nfclease.simulator.inventory import devices
from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.lease.exports import export_files
from nfclease.simulator.ovf.products import write_products
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed

FORMAT = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
    xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
    xmlns:vmw="http://www.vmware.com/schema/ovf"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
"""
_SUBTYPES = {
    "ParaVirtualSCSIController": "VirtualSCSI",
    "VirtualLsiLogicController": "lsilogic",
    "VirtualLsiLogicSASController": "lsilogicsas",
    "VirtualBusLogicController": "buslogic",
    "VirtualAHCIController": "vmware.sata.ahci",
    "VirtualVmxnet3": "VmxNet3",
    "VirtualE1000": "E1000",
    "VirtualE1000e": "E1000e",
    "VirtualPCNet32": "PCNet32",
}


@dataclasses.dataclass
class _Entry:
    """A file in the package."""

    machine: Machine
    file: VmFile
    href: str
    size: int | None
    capacity: int | None
    populated: int | None
    file_id: str = ""
    disk_id: str = ""
    compression: str | None = None
    chunk_size: int | None = None


def create_descriptor(name: str, machines: list[Machine], vapp: Managed | None, params: Any) -> Any:
    """A CreateDescriptorResult for VMs."""
    entries, unknown = _entries(machines, params)
    result = vim.OvfManager.CreateDescriptorResult(
        includeImageFiles=any(entry.file.kind == "iso" for entry in entries)
    )
    result.error = [
        fault("vmodl.fault.InvalidArgument", f"no device {key}", invalidProperty="ovfFiles")
        for key in unknown
    ]
    if not result.error:
        title = params.name or name
        result.ovfDescriptor = "".join(_envelope(title, machines, vapp, params, entries))
    return result


def _entries(machines: list[Machine], params: Any) -> tuple[list[_Entry], list[str]]:
    available = {
        item.key: (machine, item)
        for machine in machines
        for item in export_files(machines)
        if item.file in machine.files
    }
    entries: list[_Entry] = []
    unknown: list[str] = []
    if params.ovfFiles:
        for given in params.ovfFiles:
            if given.deviceId not in available:
                unknown.append(given.deviceId)
                continue
            machine, item = available[given.deviceId]
            capacity = given.capacity or item.file.capacity
            entry = _Entry(
                machine, item.file, given.path, given.size, capacity, given.populatedSize
            )
            entry.compression, entry.chunk_size = given.compressionMethod, given.chunkSize
            entries.append(entry)
    else:  # placeholders
        for machine, item in available.values():
            if item.file.kind != "iso" or params.includeImageFiles:
                capacity = item.file.capacity
                entries.append(_Entry(machine, item.file, item.name, None, capacity, None))
    disks = [entry for entry in entries if entry.file.disk]
    for number, entry in enumerate(entries, 1):
        entry.file_id = f"file{number}"
    for number, entry in enumerate(disks, 1):
        entry.disk_id = f"vmdisk{number}"
    return entries, unknown


def _envelope(
    name: str,
    machines: list[Machine],
    vapp: Managed | None,
    params: Any,
    entries: list[_Entry],
) -> Iterator[str]:
    yield _HEAD
    yield "  <References>\n"
    for entry in entries:
        known = {
            "size": entry.size,
            "compression": entry.compression,
            "chunkSize": entry.chunk_size,
        }
        more = "".join(
            f" ovf:{key}={quoteattr(str(value))}"
            for key, value in known.items()
            if value is not None and (value or key == "size")
        )
        yield f'    <File ovf:id="{entry.file_id}" ovf:href={quoteattr(entry.href)}{more}/>\n'
    yield "  </References>\n  <DiskSection>\n    <Info>Virtual disk information</Info>\n"
    for entry in entries:
        if entry.file.disk:
            yield _disk(entry)
    yield "  </DiskSection>\n  <NetworkSection>\n    <Info>The list of logical networks</Info>\n"
    for network in dict.fromkeys(name for machine in machines for name in _networks(machine)):
        yield f"    <Network ovf:name={quoteattr(network)}/>\n"
    yield "  </NetworkSection>\n"
    if vapp:
        yield f"  <VirtualSystemCollection ovf:id={quoteattr(name)}>\n    <Info>A vApp</Info>\n"
        yield f"    <Name>{escape(name)}</Name>\n"
        yield from write_products(vapp.get("vAppConfig"))
    for machine in machines:
        title = machine.name if vapp else name
        yield from _system(title, machine, params, [e for e in entries if e.machine is machine])
    yield ("  </VirtualSystemCollection>\n" if vapp else "") + "</Envelope>\n"


def _networks(machine: Machine) -> list[str]:
    cards = devices.cards(machine.config.hardware.device)
    return [card.backing.deviceName for card in cards if hasattr(card.backing, "deviceName")]


def _disk(entry: _Entry) -> str:
    populated = "" if entry.populated is None else f' ovf:populatedSize="{entry.populated}"'
    return (
        f'    <Disk ovf:diskId="{entry.disk_id}" ovf:fileRef="{entry.file_id}"'
        f' ovf:capacity="{entry.capacity}" ovf:capacityAllocationUnits="byte"{populated}'
        f' ovf:format="{FORMAT}"/>\n'
    )


def _system(name: str, machine: Machine, params: Any, entries: list[_Entry]) -> Iterator[str]:
    config = machine.config
    yield f"  <VirtualSystem ovf:id={quoteattr(name)}>\n    <Info>A virtual machine</Info>\n"
    yield f"    <Name>{escape(name)}</Name>\n"
    yield f'    <OperatingSystemSection ovf:id="102" vmw:osType={quoteattr(config.guestId)}>\n'
    yield "      <Info>The kind of installed guest operating system</Info>\n"
    yield "    </OperatingSystemSection>\n"
    if params.description or config.annotation:
        yield "    <AnnotationSection>\n      <Info>A human-readable annotation</Info>\n"
        yield f"      <Annotation>{escape(params.description or config.annotation)}</Annotation>\n"
        yield "    </AnnotationSection>\n"
    yield "    <VirtualHardwareSection>\n      <Info>Virtual hardware requirements</Info>\n"
    yield "      <System>\n        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>\n"
    yield "        <vssd:InstanceID>0</vssd:InstanceID>\n"
    yield f"        <vssd:VirtualSystemType>{config.version}</vssd:VirtualSystemType>\n"
    yield "      </System>\n"
    options = {option.lower() for option in params.exportOption}
    yield from _items(machine, {entry.file.device: entry for entry in entries}, options)
    yield _config("Config", "firmware", config.firmware)
    if "uuid" in options:
        yield _config("Config", "uuid", config.uuid)
    for option in config.extraConfig if "extraconfig" in options else []:
        if option.key != "nvram":
            yield _config("ExtraConfig", option.key, str(option.value))
    for entry in entries:
        if entry.file.kind == "nvram":
            yield _config("ExtraConfig", "nvram", f"{devices.OVF_FILE}{entry.file_id}")
    yield "    </VirtualHardwareSection>\n"
    yield from write_products(config.vAppConfig)
    yield "  </VirtualSystem>\n"


def _config(element: str, key: str, value: str) -> str:
    pair = f"vmw:key={quoteattr(key)} vmw:value={quoteattr(value)}"
    return f'      <vmw:{element} ovf:required="false" {pair}/>\n'


def _items(machine: Machine, entries: dict[str, _Entry], options: set[str]) -> Iterator[str]:
    hardware = machine.config.hardware
    cpus = {"AllocationUnits": "hertz * 10^6", "VirtualQuantity": hardware.numCPU}
    memory = {"AllocationUnits": "byte * 2^20", "VirtualQuantity": hardware.memoryMB}
    yield _item(1, 3, "virtual CPUs", cpus)
    yield _item(2, 4, "memory", memory)
    numbers = {device.key: number for number, device in enumerate(hardware.device, 3)}
    for device in hardware.device:
        entry = entries.get(devices.device_name(device, hardware.device))
        kind, values = _values(device, entry)
        if kind == 10:
            values["Connection"] = getattr(device.backing, "deviceName", None)
            values["Address"] = device.macAddress if "mac" in options else None
        elif kind in (15, 17):
            values["AddressOnParent"] = device.unitNumber or 0
            values["Parent"] = numbers.get(device.controllerKey)
        if "nodevicesubtypes" in options:
            values.pop("ResourceSubType", None)
        if kind:
            yield _item(numbers[device.key], kind, type(device)._wsdlName, values)


def _values(device: Any, entry: _Entry | None) -> tuple[int, dict[str, Any]]:
    """A device's CIM type, 0 to leave it out, and elements of its item."""
    api = vim.vm.device
    subtype = _SUBTYPES.get(type(device)._wsdlName)
    if isinstance(device, api.VirtualIDEController):
        return 5, {"Address": device.busNumber}
    if isinstance(device, api.VirtualAHCIController):
        return 20, {"Address": device.busNumber, "ResourceSubType": subtype}
    if isinstance(device, api.VirtualSCSIController):
        return 6, {"Address": device.busNumber, "ResourceSubType": subtype}
    if isinstance(device, api.VirtualEthernetCard):
        return 10, {"AutomaticAllocation": "true", "ResourceSubType": subtype}
    if isinstance(device, api.VirtualCdrom):
        kind = "iso" if entry else "remotepassthrough"
        values = {"AutomaticAllocation": "false", "ResourceSubType": f"vmware.cdrom.{kind}"}
        resource = {"HostResource": f"{devices.OVF_FILE}{entry.file_id}"} if entry else {}
        return 15, {**values, **resource}
    if devices.is_disk(device) and entry is not None:
        return 17, {"HostResource": f"ovf:/disk/{entry.disk_id}"}
    return 0, {}


def _item(number: int, resource: int, name: str, values: dict[str, Any]) -> str:
    """A hardware item; its elements come in alphabetical order, as the schema has it."""
    named = {"InstanceID": number, "ResourceType": resource, "ElementName": f"{name} {number}"}
    lines = "".join(
        f"        <rasd:{key}>{escape(str(value))}</rasd:{key}>\n"
        for key, value in sorted({**values, **named}.items())
        if value is not None
    )
    return f"      <Item>\n{lines}      </Item>\n"
