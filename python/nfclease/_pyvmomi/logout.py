"""A session that logs out cannot abort its leases any more: they are ended just before.

``Disconnect`` may be called in the middle of a script, or by an ``atexit`` handler that runs before
ours.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nfclease import _open_leases
from nfclease._pyvmomi.session import soap_stub

if TYPE_CHECKING:
    from nfclease.lease import HttpNfcLease

#: Seconds that a Logout waits for the endings of its leases.
_TIMEOUT = 8.0


def watch(stub: Any) -> None:
    """Makes the session's own ``Logout``, whoever calls it, end the session's leases first."""
    soap = soap_stub(stub)
    if not getattr(soap, "_nfc_watched", False):
        with suppress(TypeError):  # no class of pyvmomi's; its leases end at the exit alone
            kind: Any = type(soap)
            soap.__class__ = _watched(kind)


@functools.cache
def _watched(kind: Any) -> type[Any]:
    """The stub's class, but for this one call."""

    def invoke(self: Any, mo: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        if info.wsdlName == "Logout":
            _end_leases(self)
        return kind.InvokeMethod(self, mo, info, *args, **kwargs)

    body = {"InvokeMethod": invoke, "_nfc_watched": True, "__module__": kind.__module__}
    return type(kind.__name__, (kind,), body)


def _end_leases(soap: Any) -> None:
    def is_of_it(lease: HttpNfcLease) -> bool:
        other = soap_stub(lease._stub)
        return other is soap or (other.host, other.cookie) == (soap.host, soap.cookie)

    _open_leases.end_all("the session logs out", "session", _TIMEOUT, is_of_it)
