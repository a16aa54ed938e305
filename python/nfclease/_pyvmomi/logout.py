"""A session that logs out cannot abort its leases any more: they are ended just before.

``Disconnect`` may be called in the middle of a script, or by an ``atexit`` handler that runs before
ours.
"""

from __future__ import annotations

import functools
from contextlib import suppress

from nfclease._pyvmomi.session import soap_stub

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def watch(stub: Any, abort_leases: Callable[[Any], None]) -> None:
    """Makes the session's own ``Logout``, whoever calls it, end the session's leases first."""
    soap = soap_stub(stub)
    if not getattr(soap, "_nfc_watched", False):
        with suppress(TypeError):  # no class of pyvmomi's; its leases end at the exit alone
            kind: Any = type(soap)
            soap.__class__ = _watched(kind, abort_leases)


@functools.cache
def _watched(kind: Any, abort_leases: Callable[[Any], None]) -> type[Any]:
    """The stub's class, but for this one call."""

    def invoke(self: Any, mo: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        if info.wsdlName == "Logout":
            abort_leases(self)
        return kind.InvokeMethod(self, mo, info, *args, **kwargs)

    body = {"InvokeMethod": invoke, "_nfc_watched": True, "__module__": kind.__module__}
    return type(kind.__name__, (kind,), body)
