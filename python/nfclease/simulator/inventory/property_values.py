"""Values of OVF properties: which ones a type allows."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from nfclease.simulator.soap.vsphere import fault

if TYPE_CHECKING:
    from nfclease.simulator.inventory.machine import Machine

_LENGTH = re.compile(r"(Min|Max)Len\s*\(\s*(\d+)\s*\)")
_CHOICES = re.compile(r"ValueMap\s*\{(.*)\}", re.DOTALL)
_CHOICE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WHOLE = re.compile(r"([us]?int)(8|16|32|64)?")


def is_of_type(kind: str, qualifiers: str, value: str) -> bool:
    """Whether a value is one of an OVF type.

    Args:
        kind: The type, as ``uint8`` or ``string``.
        qualifiers: What narrows it, as ``MinLen(1) MaxLen(8)`` or ``ValueMap{"a","b"}``.
        value: The value.
    """
    kind = kind.lower()
    choices = _CHOICES.search(qualifiers)
    if choices is not None and value not in _CHOICE.findall(choices[1]):
        return False
    if match := _WHOLE.fullmatch(kind):
        return _is_whole(value, match[1], int(match[2] or 32))
    if kind == "boolean":
        return value.lower() in ("true", "false")
    if kind in ("real32", "real64", "real"):
        return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value) is not None
    if kind == "ip" or kind.startswith("ip:"):
        return _is_address(value)
    lengths = {limit: int(number) for limit, number in _LENGTH.findall(qualifiers)}
    return lengths.get("Min", 0) <= len(value) <= lengths.get("Max", 1 << 16)


def refuse_unconfigured(machine: Machine) -> None:
    """Keeps a VM from being switched on with a property whose type wants a value.

    Raises:
        vim.fault.UnconfiguredPropertyValue: It has one without.
    """
    config = machine.config.vAppConfig
    for one in config.property if config else []:
        kind = (one.type or "string").lower()
        if not (one.value or one.defaultValue) and not kind.startswith(("string", "password")):
            raise fault(
                "vim.fault.UnconfiguredPropertyValue",
                id=one.id,
                category=one.category or "",
                label=one.label or one.id,
                type=one.type,
                value="",
            )


def _is_whole(value: str, sign: str, bits: int) -> bool:
    if re.fullmatch(r"[-+]?\d{1,20}", value, re.ASCII) is None:
        return False
    low, high = (0, 1 << bits) if sign == "uint" else (-(1 << (bits - 1)), 1 << (bits - 1))
    return low <= int(value) < high


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
