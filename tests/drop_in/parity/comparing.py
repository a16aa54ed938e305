"""How an operation ended, in a form that can be compared."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

from pyVmomi import vmodl

from nfclease import HttpNfcLease

from .operations import Operation

_DOCS = Path(__file__).parents[3] / "docs" / "differences.md"
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
    return re.sub(
        r"<[\w.]+ object at 0x[0-9a-f]+>", "<object>", text.replace(lease._moId, "<moId>")
    )


def documented() -> set[str]:
    """The operations that the docs' table lists as different."""
    rows = re.findall(r"^\| `([^|]+)` \|", _DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    return set(rows)


def undocumented(table: list[Operation], outcomes: list[tuple[Any, Any]]) -> dict[str, Any]:
    """Each operation whose outcomes differ and that the docs do not list, with both outcomes."""
    known = documented()
    pairs = zip(table, outcomes, strict=True)
    return {op.name: both for op, both in pairs if both[0] != both[1] and op.name not in known}


def wrapped(lease: Any) -> HttpNfcLease:
    """Ours around it, without Progress calls of its own."""
    return HttpNfcLease(lease, keep_alive=False)
