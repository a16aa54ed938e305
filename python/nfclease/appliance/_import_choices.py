"""What an import chooses, held to what the descriptor offers, before any call."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pyVmomi import vim

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: The key of the networks that are not named.
EVERY_OTHER = "*"
#: OVF's types of whole numbers, with the bits that they have.
_INTEGERS = re.compile(r"u?int(?:8|16|32|64)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the caller chose.

    Attributes:
        name: What the new VM or vApp is called; empty for the descriptor's name.
        networks: From a network of the descriptor to one of the server, or to its name.
        properties: From a property's full key to its value.
        deployment_option: Empty for the descriptor's default.
        disk_provisioning: Empty for the server's default.
    """

    name: str
    networks: dict[str, vim.Network | str]
    properties: dict[str, str]
    deployment_option: str
    disk_provisioning: str


def choices_of(
    descriptor: dict[str, Any],
    *,
    name: str | None,
    networks: Mapping[str, vim.Network | str] | None,
    properties: Mapping[str, object] | None,
    deployment_option: str | None,
    disk_provisioning: str | None,
) -> Choices:
    """The choices, as far as they can be judged without the server.

    Raises:
        TypeError: One is of the wrong kind.
        ValueError: The descriptor does not offer it; the message says what it has.
    """
    return Choices(
        name=_text("name", name),
        networks=_networks(descriptor, networks),
        properties=_properties(descriptor, properties),
        deployment_option=_option(descriptor, _text("deployment_option", deployment_option)),
        disk_provisioning=_provisioning(_text("disk_provisioning", disk_provisioning)),
    )


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str or None, not {type(value).__name__}")
    return value


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TypeError(f"{name} must be a dict with str as keys, not {value!r:.60}")
    return value


def _networks(descriptor: dict[str, Any], chosen: object) -> dict[str, vim.Network | str]:
    known = [network["name"] for network in descriptor["networks"]]
    mapping = dict(_mapping("networks", chosen))
    if EVERY_OTHER in mapping and EVERY_OTHER not in known:
        others = mapping.pop(EVERY_OTHER)
        mapping = dict.fromkeys(known, others) | mapping
    for name, network in mapping.items():
        if name not in known:
            raise _unknown("networks", "network", name, known)
        if not isinstance(network, (str, vim.Network)):
            raise TypeError(
                f"networks[{name!r}] must be a vim.Network or its name, "
                f"not {type(network).__name__}"
            )
    return mapping


def _properties(descriptor: dict[str, Any], chosen: object) -> dict[str, str]:
    known = {each["key"]: each for each in descriptor["properties"]}
    settable = [key for key, each in known.items() if each["user_configurable"]]
    found = {}
    for key, value in _mapping("properties", chosen).items():
        if key not in known:
            raise _unknown("properties", "property", key, settable)
        if key not in settable:
            raise ValueError(
                f"properties: {escaped(key)!r} is not userConfigurable in the descriptor, and a "
                f"server keeps its default ({escaped(known[key]['default'] or '')!r})"
            )
        found[key] = _value(key, known[key]["type"] or "string", value)
    return found


def _value(key: str, kind: str, value: object) -> str:
    """As a server takes it; a value of another type is refused before it is asked."""
    if isinstance(value, bool):
        text = str(value)  # OVF writes them as Python does
    elif isinstance(value, (str, int, float)):
        text = str(value)
    else:
        raise TypeError(
            f"properties[{key!r}] must be a str, a number or a bool, not {type(value).__name__}"
        )
    if kind == "boolean" and text.lower() not in ("true", "false"):
        raise ValueError(f"properties[{key!r}] is a boolean of OVF, True or False, not {text!r}")
    if _INTEGERS.fullmatch(kind):
        signs = r"\d+" if kind.startswith("u") else r"[+-]?\d+"
        if not re.fullmatch(signs, text.strip()):
            raise ValueError(f"properties[{key!r}] is an {kind} of OVF, not {text!r}")
    return text


def _option(descriptor: dict[str, Any], chosen: str) -> str:
    known = [option["id"] for option in descriptor["deployment_options"]]
    if chosen and chosen not in known:
        raise _unknown("deployment_option", "deployment option", chosen, known)
    return chosen


def _provisioning(chosen: str) -> str:
    enum: Any = vim.OvfManager.CreateImportSpecParams.DiskProvisioningType
    kinds: list[str] = enum.values
    if chosen and chosen not in kinds:
        raise ValueError(
            f"disk_provisioning must be one of {', '.join(kinds)}, not {escaped(chosen)!r}"
        )
    return chosen


def _unknown(argument: str, what: str, name: str, known: Iterable[str]) -> ValueError:
    offered = sorted(dict.fromkeys(known))
    close = difflib.get_close_matches(name, offered, 1)
    guess = f"; do you mean {escaped(close[0])!r}?" if close else ""
    shown = ", ".join(repr(escaped(each)) for each in offered[:20])
    more = f" and {len(offered) - 20} more" if len(offered) > 20 else ""
    has = f"it has {shown}{more}" if offered else f"it has no {what} to choose"
    return ValueError(f"{argument}: the descriptor has no {what} {escaped(name)!r}; {has}{guess}")
