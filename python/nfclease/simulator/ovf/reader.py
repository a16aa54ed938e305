"""OVF descriptors, read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

from nfclease.simulator.ovf.model import Descriptor, Disk, File, Item, Option, System
from nfclease.simulator.ovf.products import choose, read_products, resolve
from nfclease.simulator.soap.vsphere import fault

_OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
_VMW = "{http://www.vmware.com/schema/ovf}"
_OPTIONS = f"{_OVF}DeploymentOptionSection"
_ITEMS = {"Item", "StorageItem", "EthernetPortItem"}
_UNITS = {"": 0, "byte": 0, "kilobytes": 10, "megabytes": 20, "gigabytes": 30, "terabytes": 40}


class _Builder(ET.TreeBuilder):
    def doctype(self, *_: Any) -> None:
        raise fault("vim.fault.OvfInvalidPackage", "a document type is not allowed", lineNumber=1)


def parse(text: str, properties: dict[str, str] | None = None, option: str = "") -> Descriptor:
    """Reads a descriptor.

    Args:
        text: The descriptor.
        properties: Values that an import chooses, by full key.
        option: The deployment option that it chooses; the default one if empty.

    Raises:
        vim.fault.OvfFault: It is not one, or one that cannot be imported.
    """
    try:
        root = ET.fromstring(text, ET.XMLParser(target=_Builder()))
    except ET.ParseError as error:
        message = f"the descriptor is not XML: {error}"
        raise fault("vim.fault.OvfInvalidPackage", message, lineNumber=error.position[0]) from None
    if root.tag != f"{_OVF}Envelope":
        raise _missing("Envelope")
    collection = root.find(f"{_OVF}VirtualSystemCollection")
    above = root if collection is None else collection
    if above.find(f"{_OVF}VirtualSystemCollection") is not None and above is not root:
        name = "VirtualSystemCollection"
        message = "a vApp in a vApp cannot be imported here"
        raise fault("vim.fault.OvfUnsupportedElement", message, lineNumber=0, name=name)
    options = [_option(element) for element in root.iterfind(f"{_OPTIONS}/{_OVF}Configuration")]
    chosen = option or next((one.id for one in options if one.default), "")
    chosen = chosen or (options[0].id if options else "")
    if chosen not in ("", *(one.id for one in options)):
        raise _invalid("Configuration", "id", chosen)
    systems = [_system(element, chosen) for element in above.findall(f"{_OVF}VirtualSystem")]
    if not systems:
        raise _missing("VirtualSystem")
    products = [] if collection is None else read_products(collection)
    everywhere = [*products, *(product for one in systems for product in one.products)]
    values = choose(everywhere, properties or {})
    for item in (item for system in systems for item in system.items):
        item.values = {name: resolve(value, values) for name, value in item.values.items()}
    files = [_file(element) for element in root.iterfind(f"{_OVF}References/{_OVF}File")]
    disks = [_disk(element, values) for element in root.iterfind(f"{_OVF}DiskSection/{_OVF}Disk")]
    read = Descriptor(
        name=systems[0].name if collection is None else _name(collection),
        vapp=collection is not None,
        files={file.id: file for file in files},
        disks={disk.id: disk for disk in disks},
        networks={
            element.get(f"{_OVF}name", ""): (element.findtext(f"{_OVF}Description") or "").strip()
            for element in root.iterfind(f"{_OVF}NetworkSection/{_OVF}Network")
        },
        systems=systems,
        products=products,
        options=options,
        option=chosen,
    )
    for disk in disks:
        if disk.file is not None and disk.file not in read.files:
            raise _invalid("Disk", "fileRef", disk.file)
    return read


def _file(element: ET.Element) -> File:
    return File(
        id=_required(element, "id"),
        href=_required(element, "href"),
        size=_number(element, "size"),
        compression=element.get(f"{_OVF}compression"),
        chunk_size=_number(element, "chunkSize"),
    )


def _option(element: ET.Element) -> Option:
    return Option(
        id=element.get(f"{_OVF}id", ""),
        label=(element.findtext(f"{_OVF}Label") or "").strip(),
        description=(element.findtext(f"{_OVF}Description") or "").strip(),
        default=element.get(f"{_OVF}default") in ("true", "1"),
    )


def _disk(element: ET.Element, values: dict[str, str]) -> Disk:
    capacity = resolve(_required(element, "capacity"), values)
    units = element.get(f"{_OVF}capacityAllocationUnits", "byte").strip().lower()
    match = re.fullmatch(r"byte\s*\*\s*2\s*\^\s*(\d+)", units)
    shift = int(match.group(1)) if match else _UNITS.get(units)
    if shift is None or shift > 60 or not _is_number(capacity):
        raise _invalid("Disk", "capacity", f"{capacity} {units}")
    file = element.get(f"{_OVF}fileRef") or None
    parent = element.get(f"{_OVF}parentRef") or None
    return Disk(_required(element, "diskId"), int(capacity) << shift, file, parent)


def _system(element: ET.Element, option: str) -> System:
    hardware = element.find(f"{_OVF}VirtualHardwareSection")
    if hardware is None:
        raise _missing("VirtualHardwareSection")
    items = [
        {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in item}
        for item in hardware
        if item.tag.rpartition("}")[2] in _ITEMS
        and option in (item.get(f"{_OVF}configuration") or option).split(" ")
    ]
    version = next((e.text for e in hardware.iter() if e.tag.endswith("VirtualSystemType")), None)
    annotation = element.find(f"{_OVF}AnnotationSection/{_OVF}Annotation")
    return System(
        name=_name(element),
        hardware_version=(version or "vmx-19").split()[0],
        items=[Item(_kind(values.get("ResourceType", "")), values) for values in items],
        config=_pairs(hardware, "Config"),
        extra_config=_pairs(hardware, "ExtraConfig"),
        annotation=(annotation.text or "") if annotation is not None else "",
        products=read_products(element),
        os_type=_os_type(element),
        transports=hardware.get(f"{_OVF}transport", "").split(),
    )


def _os_type(element: ET.Element) -> str:
    section = element.find(f"{_OVF}OperatingSystemSection")
    return "" if section is None else section.get(f"{_VMW}osType", "")


def _pairs(hardware: ET.Element, name: str) -> dict[str, str]:
    found = hardware.iterfind(f"{_VMW}{name}")
    return {e.get(f"{_VMW}key", ""): e.get(f"{_VMW}value", "") for e in found}


def _name(element: ET.Element) -> str:
    named = element.find(f"{_OVF}Name")
    text = named.text if named is not None else None
    return text or element.get(f"{_OVF}id") or ""


def _required(element: ET.Element, name: str) -> str:
    value = element.get(f"{_OVF}{name}")
    if value is None:
        tag = element.tag.rpartition("}")[2]
        raise fault(
            "vim.fault.OvfMissingAttribute",
            f"{tag} has no {name}",
            lineNumber=0,
            elementName=tag,
            attributeName=name,
        )
    return value


def _number(element: ET.Element, name: str) -> int | None:
    text = element.get(f"{_OVF}{name}")
    if not text:
        return None
    if not _is_number(text):
        raise _invalid(element.tag.rpartition("}")[2], name, text)
    return int(text)


def _kind(text: str) -> int:
    if not _is_number(text):
        raise _invalid("Item", "ResourceType", text)
    return int(text)


def _is_number(text: str) -> bool:
    """Whether it is a number that fits the API's long."""
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 1 << 63


def _invalid(element: str, attribute: str, value: str) -> Any:
    return fault(
        "vim.fault.OvfInvalidValue",
        f"{element}: {attribute} cannot be {value}",
        lineNumber=0,
        elementName=element,
        attributeName=attribute,
        value=value,
    )


def _missing(name: str) -> Any:
    return fault(
        "vim.fault.OvfMissingElement", f"the descriptor has no {name}", lineNumber=0, name=name
    )
