"""What a server finds wrong with a descriptor that can be read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from nfclease.simulator.inventory.property_values import is_of_type
from nfclease.simulator.ovf.model import Descriptor, Item, System
from nfclease.simulator.soap.vsphere import fault
from nfclease.simulator.world import World

_USUAL_FAMILY = "vmx-19"
_OLDEST, _NEWEST = 3, 21  # of an 8.0.3
_FAMILY = re.compile(r"vmx-(\d{2})")
#: CIM types of hardware that a host has, but for what follows.
_KINDS = {1, 3, 4, 5, 6, 10, 14, 15, 16, 17, 20, 21, 22, 23, 24}
_SOUND = "vmware.soundcard"


@dataclasses.dataclass
class Findings:
    """Errors, each of which refuses the import, and warnings."""

    errors: list[Any] = dataclasses.field(default_factory=list)
    warnings: list[Any] = dataclasses.field(default_factory=list)


def newest_family(text: str) -> str | None:
    """The newest hardware version of a list that hosts know, or None."""
    known = [
        name
        for name in re.split(r"[\s,]+", text or _USUAL_FAMILY)
        if (match := _FAMILY.fullmatch(name)) and _OLDEST <= int(match[1]) <= _NEWEST
    ]
    return max(known, default=None)


def judge(read: Descriptor, given: dict[str, str]) -> Findings:
    """What is wrong with a descriptor and the property values that an import gives."""
    found = Findings()
    for section in read.unknown:
        found.errors.append(
            fault(
                "vim.fault.OvfUnsupportedSection",
                lineNumber=section.line,
                name=section.name,
                info=section.info,
            )
        )
    for system in read.systems:
        found.errors += _families(system)
        for item in system.items:
            _judge_item(read, item, found)
    found.errors += _values(read, given)
    return found


def _families(system: System) -> Iterator[Any]:
    if newest_family(system.families) is None:
        yield fault(
            "vim.fault.OvfNoSupportedHardwareFamily",
            lineNumber=system.families_line,
            version=system.families,
        )


def _judge_item(read: Descriptor, item: Item, found: Findings) -> None:
    subtype = item.values.get("ResourceSubType", "").lower()
    if item.kind not in _KINDS and not subtype.startswith(_SOUND):
        unsupported = fault(
            "vim.fault.OvfUnsupportedType",
            lineNumber=item.line,
            name="ResourceType",
            instanceId=item.values.get("InstanceID", ""),
            deviceType=item.kind,
        )
        (found.errors if item.required else found.warnings).append(unsupported)
    network = item.values.get("Connection", "")
    if item.kind == 10 and network and network not in read.networks:
        found.warnings.append(
            fault(
                "vim.fault.OvfElementInvalidValue",
                lineNumber=item.line,
                name="Connection",
                value=network,
            )
        )


def _values(read: Descriptor, given: dict[str, str]) -> Iterator[Any]:
    for product in read.all_products():
        for one in product.properties:
            value = given.get(one.full_key)
            if value is None or not one.configurable:
                continue
            if not is_of_type(one.kind, one.qualifiers, value):
                yield fault(
                    "vim.fault.OvfPropertyValue", lineNumber=one.line, type=one.kind, value=value
                )


def from_faults(world: World, method: str) -> Findings:
    """What injected faults say is wrong."""
    found = Findings()
    for kind, findings in (("ovf_error", found.errors), ("ovf_warning", found.warnings)):
        told = world.faults.take(kind, {"method": method})
        if told is not None:
            name = told.get("fault", "vim.fault.OvfInternalError")
            findings.append(fault(name, told.get("message")))
    return found
