"""Faults that the core received, as pyvmomi's objects."""

from __future__ import annotations

from pyVmomi import SoapAdapter, vim, vmodl
from pyVmomi.VmomiSupport import DataObject, ManagedObject

from nfclease._text import escaped

#: Of one text in a fault of an error of ours, and of all that is in it.
_LONGEST = 4096
_MOST = 8192
#: What each value counts beside its text, and how far a fault may be nested in others.
_VALUE = 16
_DEEPEST = 8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def fault_of(stub: Any, envelope: bytes, name: str, message: str) -> Any:
    """Pyvmomi's fault object from the envelope that carried it, or the nearest that can be made.

    A newer server has faults and fields that this pyvmomi does not know, and expat refuses
    characters that servers send. Neither may take the place of what went wrong.
    """
    deserializer: Any = SoapAdapter.SoapResponseDeserializer
    try:
        fault = deserializer(stub).Deserialize(envelope, object)
    except Exception:
        fault = None
    if isinstance(fault, vmodl.MethodFault):
        return fault
    known = getattr(vim.fault, name, None) or getattr(vmodl.fault, name, None)
    is_fault = isinstance(known, type) and issubclass(known, vmodl.MethodFault)
    kind: Any = known if is_fault else vmodl.MethodFault
    return kind(msg=message)


def tidied(fault: Any) -> Any:
    """The same object, with all that a traceback prints of it bounded and fit to be shown.

    For the ``fault`` of an error of ours. One that a call of the script raises stays as it came.
    """
    if isinstance(fault, DataObject):
        _Tidying().object(fault, _DEEPEST)
    return fault


class _Tidying:
    """One fault, whose texts share what there is room for; the first of them is its ``msg``."""

    def __init__(self) -> None:
        self._left = _MOST

    def object(self, value: Any, deeper: int) -> None:
        for info in value._GetPropertyList():
            field = getattr(value, info.name)
            object.__setattr__(value, info.name, self._value(field, deeper))

    def _value(self, value: Any, deeper: int) -> Any:
        self._left -= _VALUE
        if isinstance(value, str):
            return type(value)(self._shown(value))
        if isinstance(value, bytes):
            return type(value)(value[: self._room(len(value))])
        if isinstance(value, bool) or not isinstance(value, int):
            return self._compound(value, deeper)
        return value if value.bit_length() <= 64 else type(value)(0)

    def _compound(self, value: Any, deeper: int) -> Any:
        if isinstance(value, list):
            kept = [self._value(item, deeper) for item in value if self._left > 0]
            value[:] = kept
        elif isinstance(value, DataObject):
            if deeper == 0 or self._left <= 0:
                return None
            self.object(value, deeper - 1)
        elif isinstance(value, ManagedObject):
            object.__setattr__(value, "_moId", self._shown(str(value._moId)))
        return value

    def _shown(self, text: str) -> str:
        shown = escaped(text, self._room(len(text)))
        self._left -= len(shown)
        return shown

    def _room(self, length: int) -> int:
        return max(0, min(length, _LONGEST, self._left))
