"""OVF descriptors, read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from nfclease.simulator.ovf.model import (
    Descriptor,
    Disk,
    File,
    Item,
    Option,
    Section,
    System,
)
from nfclease.simulator.ovf.products import choose, read_products, resolve
from nfclease.simulator.ovf.tree import line_of, parse_tree
from nfclease.simulator.soap.vsphere import fault

_OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
_VMW = "{http://www.vmware.com/schema/ovf}"
_OPTIONS = f"{_OVF}DeploymentOptionSection"
#: Whose sections are known: those of OVF, of VMware's hosts and of its clouds.
_KNOWN_NAMESPACES = {
    "http://schemas.dmtf.org/ovf/envelope/1",
    "http://schemas.dmtf.org/ovf/envelope/2",
    "http://www.vmware.com/schema/ovf",
    "http://www.vmware.com/vcloud/v1.5",
}
_ITEMS = {"Item", "StorageItem", "EthernetPortItem"}
_UNITS = {"": 0, "byte": 0, "kilobytes": 10, "megabytes": 20, "gigabytes": 30, "terabytes": 40}


def parse(text: str, properties: dict[str, str] | None = None, option: str = "") -> Descriptor:
    """Reads a descriptor.

    Args:
        text: The descriptor.
        properties: Values that an import chooses, by full key.
        option: The deployment option that it chooses; the default one if empty.

    Raises:
        vim.fault.OvfFault: It is not one, or one that cannot be imported.
    """
    root = parse_tree(text)
    if root.tag != f"{_OVF}Envelope":
        raise _missing(root, "Envelope")
    collection = root.find(f"{_OVF}VirtualSystemCollection")
    above = root if collection is None else collection
    name = "VirtualSystemCollection"
    inner = above.find(f"{_OVF}{name}")
    if inner is not None and above is not root:
        raise fault("vim.fault.OvfUnsupportedElement", lineNumber=line_of(inner), name=name)
    options = [_option(element) for element in root.iterfind(f"{_OPTIONS}/{_OVF}Configuration")]
    chosen = option or next((one.id for one in options if one.default), "")
    chosen = chosen or (options[0].id if options else "")
    if chosen not in ("", *(one.id for one in options)):
        raise fault(
            "vim.fault.OvfInvalidValueConfiguration",
            lineNumber=0,
            elementName="Configuration",
            attributeName="id",
            value=chosen,
        )
    systems = [_system(element, chosen) for element in above.findall(f"{_OVF}VirtualSystem")]
    if not systems:
        raise _missing(above, "VirtualSystem")
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
        unknown=[one for part in (root, collection) if part is not None for one in _unknown(part)],
    )
    for element in above.findall(f"{_OVF}VirtualSystem"):
        read.unknown += _unknown(element)
    for element in root.iterfind(f"{_OVF}DiskSection/{_OVF}Disk"):
        named = element.get(f"{_OVF}fileRef")
        if named and named not in read.files:
            raise _invalid(element, "fileRef", named)
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
        raise _invalid(element, "capacity", f"{capacity} {units}")
    file = element.get(f"{_OVF}fileRef") or None
    parent = element.get(f"{_OVF}parentRef") or None
    return Disk(_required(element, "diskId"), int(capacity) << shift, file, parent)


def _system(element: ET.Element, option: str) -> System:
    hardware = element.find(f"{_OVF}VirtualHardwareSection")
    if hardware is None:
        raise _missing(element, "VirtualHardwareSection")
    items = [
        item
        for item in hardware
        if item.tag.rpartition("}")[2] in _ITEMS
        and option in (item.get(f"{_OVF}configuration") or option).split(" ")
    ]
    family = next((e for e in hardware.iter() if e.tag.endswith("VirtualSystemType")), None)
    annotation = element.find(f"{_OVF}AnnotationSection/{_OVF}Annotation")
    return System(
        name=_name(element),
        families="" if family is None else (family.text or "").strip(),
        families_line=0 if family is None else line_of(family),
        items=[_item(item) for item in items],
        config=_pairs(hardware, "Config"),
        extra_config=_pairs(hardware, "ExtraConfig"),
        annotation=(annotation.text or "") if annotation is not None else "",
        products=read_products(element),
        os_type=_os_type(element),
        transports=hardware.get(f"{_OVF}transport", "").split(),
    )


def _item(element: ET.Element) -> Item:
    values = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
    kind = values.get("ResourceType", "")
    if not _is_number(kind):
        raise _invalid(element, "ResourceType", kind)
    required = element.get(f"{_OVF}required") not in ("false", "0")
    return Item(int(kind), values, line_of(element), required)


def _unknown(parent: ET.Element) -> Iterator[Section]:
    """The sections right below an element that are required, and of somebody else's."""
    for element in parent:
        namespace, _, name = element.tag.rpartition("}")
        foreign = not namespace or namespace[1:] not in _KNOWN_NAMESPACES
        required = element.get(f"{_OVF}required") not in ("false", "0")
        if name.endswith("Section") and foreign and required:
            info = element.find(f"{_OVF}Info")
            text = "" if info is None else (info.text or "").strip()
            yield Section(name, text, line_of(element))


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
            lineNumber=line_of(element),
            elementName=tag,
            attributeName=name,
        )
    return value


def _number(element: ET.Element, name: str) -> int | None:
    text = element.get(f"{_OVF}{name}")
    if not text:
        return None
    if not _is_number(text):
        raise _invalid(element, name, text)
    return int(text)


def _is_number(text: str) -> bool:
    """Whether it is a number that fits the API's long."""
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 1 << 63


def _invalid(element: ET.Element, attribute: str, value: str) -> Any:
    return fault(
        "vim.fault.OvfInvalidValue",
        lineNumber=line_of(element),
        elementName=element.tag.rpartition("}")[2],
        attributeName=attribute,
        value=value,
    )


def _missing(parent: ET.Element, name: str) -> Any:
    return fault("vim.fault.OvfMissingElement", lineNumber=line_of(parent), name=name)
