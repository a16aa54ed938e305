"""Values for what the API requires and the simulator has nothing to say of: zero, empty, off."""

from __future__ import annotations

import datetime
from typing import Any

from nfclease.simulator.soap.vsphere import DataObject, support

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def neutral(kind: Any) -> Any:
    """A value of a declared type; None where there can be none, such as for a reference."""
    if not isinstance(kind, type):
        return None
    if issubclass(kind, DataObject):
        return complete(kind())
    if issubclass(kind, datetime.datetime):
        return _EPOCH
    if issubclass(kind, support.Enum):
        values: list[str] = vars(kind)["values"]
        return getattr(kind, values[0])
    if issubclass(kind, (list, str, int, float)):
        return kind()
    return None


def complete(value: Any) -> Any:
    """The same data object, with a neutral value in each required field that has none."""
    for info in value._GetPropertyList():
        if required(info) and getattr(value, info.name) is None:
            filled = neutral(info.type)
            if filled is not None:
                setattr(value, info.name, filled)
    return value


def required(info: Any) -> bool:
    """Whether the API says that a property is always there."""
    return not info.flags & support.F_OPTIONAL


def is_set(value: Any) -> bool:
    """Whether a client has set an optional field; an empty list or text says nothing."""
    return value is not None and not (isinstance(value, (list, str)) and not value)
