"""pyVmomi's types, as Any: they are made at run time, and a checker cannot follow them."""

from __future__ import annotations

from typing import Any

from pyVmomi import VmomiSupport
from pyVmomi import vim as _vim
from pyVmomi import vmodl as _vmodl

from nfclease.simulator.soap.messages import message_of

vim: Any = _vim
vmodl: Any = _vmodl
support: Any = VmomiSupport

ManagedObject: Any = support.ManagedObject
DataObject: Any = support.DataObject
Array: Any = support.Array
Object: Any = support.Object
MethodFault: Any = support.GetVmodlType("vmodl.MethodFault")


def fault(kind_name: str, message: str | None = None, /, **fields: Any) -> Any:
    """A fault by its pyVmomi name, such as ``vim.fault.InvalidState``."""
    kind = support.GetVmodlType(kind_name)
    return kind(msg=message or message_of(kind, fields), **fields)


def cast(value: Any, kind: Any) -> Any:
    """``value`` as the declared type, so that an ``xsi:type`` says long where the API says long."""
    if value is None:
        return None
    if isinstance(kind, type) and issubclass(kind, list):
        return value if isinstance(value, Array) else kind(value)
    if kind in (bool, object) or type(value) is kind or not isinstance(kind, type):
        return value
    if issubclass(kind, support.Enum):
        return getattr(kind, value)
    if issubclass(kind, (int, float, str)) and type(value) in (int, float, str):
        return kind(value)
    return value
