"""What an operation came to, in a form that can be compared."""

from __future__ import annotations

import traceback
from typing import Any

from pyVmomi import vmodl

from .operations import Operation

_FAULT_FIELDS = ("msg", "faultMessage", "faultCause", "obj", "name", "invalidProperty", "reason")


def outcome(operation: Operation, lease: Any) -> Any:
    """Type and value, or everything that can be told of the exception."""
    try:
        return _described(operation.do(lease), lease)
    except Exception as error:
        return _raised(error, lease)


def _described(value: Any, lease: Any) -> Any:
    if isinstance(value, Exception):
        return ("fault", *_raised(value, lease))
    kind = value if isinstance(value, type) else type(value)
    return (f"{kind.__module__}.{kind.__qualname__}", _plain(repr(value), lease))


def _raised(error: Exception, lease: Any) -> tuple[Any, ...]:
    kind = type(error)
    fields: list[Any] = []
    if isinstance(error, vmodl.MethodFault):
        fields = [(name, repr(getattr(error, name, "not there"))) for name in _FAULT_FIELDS]
    shown = "".join(traceback.format_exception(kind, error, error.__traceback__))
    return (
        "raised",
        f"{kind.__module__}.{kind.__qualname__}",
        _plain(str(error), lease),
        _plain(repr(fields), lease),
        shown.count("Traceback (most recent call last)"),
    )


def _plain(text: str, lease: Any) -> str:
    """The same for two leases of the same kind."""
    return text.replace(str(lease._moId), "<moId>")
