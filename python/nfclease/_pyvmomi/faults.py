"""Faults that the core received, as pyvmomi's objects."""

from __future__ import annotations

from pyVmomi import SoapAdapter, vim, vmodl

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
