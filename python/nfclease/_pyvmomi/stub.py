"""The stub beneath an ``HttpNfcLease``: pyvmomi's own code, its bytes carried by the core.

Checks of arguments, envelopes, how an attribute is read, objects, faults and the new login of a
``VimSessionOrientedStub`` are all pyvmomi's, in whichever version is installed.
"""

from __future__ import annotations

import io

from pyVmomi import vim

from nfclease._pyvmomi.session import has_soap_header, refresh_credentials
from nfclease._pyvmomi.tidy import tidy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from nfclease import _core

    _Envelopes: TypeAlias = dict[tuple[Any, ...], bytes]
    _Send: TypeAlias = Callable[[_core.Lease, Any, bytes], tuple[int, str, bytes]]

#: An attribute each, and the percentages of Progress.
_MOST_ENVELOPES = 128

#: The calls that change what the core knows of the lease.
_SENDERS: dict[str, _Send] = {
    "HttpNfcLeaseProgress": lambda core, args, xml: core.progress(_percent(args[0]), xml),
    "HttpNfcLeaseComplete": lambda core, _args, xml: core.script_complete(xml),
    "HttpNfcLeaseAbort": lambda core, _args, xml: core.script_abort(xml),
}


def native_stub(stub: Any, core: _core.Lease) -> Any:
    """A stand-in for `stub` whose calls go over the core's connections."""
    soap = getattr(stub, "soapStub", None)
    if soap is None:
        return _SoapStub(stub, core)
    return _SessionStub(stub, _SoapStub(soap, core))


class _StandIn:
    """Everything that is not overridden is the real stub's."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @property
    def _pc(self) -> Any:
        """The collector by which pyvmomi reads attributes before its version 8."""
        if not self._real._pc:
            service: Any = vim.ServiceInstance("ServiceInstance", self._real)
            self._real._pc = service.RetrieveContent().propertyCollector
        return type(self._real._pc)(self._real._pc._moId, self)


class _SoapStub(_StandIn):
    def __init__(self, real: Any, core: _core.Lease) -> None:
        super().__init__(real)
        self._core = core
        self._envelopes: _Envelopes = {}

    def InvokeMethod(self, mo: Any, info: Any, args: Any, outerStub: Any = None) -> Any:  # noqa: N802, N803
        """``SoapStubAdapter.InvokeMethod``; objects in the answer are the real stub's."""
        refresh_credentials(self._real)
        call = _Call(self._real, self._core, info, args, self._envelopes)
        outer = self._real if outerStub is None else outerStub._real
        return type(self._real).InvokeMethod(call, mo, info, args, outer)

    def InvokeAccessor(self, mo: Any, info: Any) -> Any:  # noqa: N802
        """One attribute, as this version of pyvmomi reads it."""
        return type(self._real).InvokeAccessor(self, mo, info)


class _Call(_StandIn):
    """The stub for the length of one call, and its connection."""

    def __init__(
        self, real: Any, core: _core.Lease, info: Any, args: Any, envelopes: _Envelopes
    ) -> None:
        super().__init__(real)
        self._core = core
        self._method = info.wsdlName
        self._args = args
        self._envelopes = envelopes

    def __eq__(self, other: object) -> bool:
        """It is the real stub to pyvmomi, which asks whether it speaks for another one."""
        return other is self or other is self._real

    __hash__ = None  # type: ignore[assignment]

    def SerializeRequest(self, mo: Any, info: Any, args: Any) -> bytes:  # noqa: N802
        """The real stub's text. It is the same each time for an attribute, or for a percentage."""
        real = self._real
        is_plain = all(type(value) in (str, int) for value in args)
        if not is_plain or has_soap_header(real):
            text: bytes = real.SerializeRequest(mo, info, args)
            return text
        key = real.version, mo._moId, info.wsdlName, info.version, tuple(args)
        text = self._envelopes.get(key) or real.SerializeRequest(mo, info, args)
        if len(self._envelopes) < _MOST_ENVELOPES:
            self._envelopes[key] = text
        return text

    def GetConnection(self) -> _Call:  # noqa: N802
        return self

    def ReturnConnection(self, connection: _Call) -> None:  # noqa: N802
        """The core keeps its connections."""

    def DropConnections(self) -> None:  # noqa: N802
        """The core has dropped a connection that failed."""

    def _CloseConnection(self, connection: _Call) -> None:  # noqa: N802
        """The same, in older versions."""

    def close(self) -> None:
        """The same, as a connection."""

    def request(self, _verb: str, _path: str, envelope: bytes, _headers: object) -> None:
        """Sends the envelope; the headers are those of the core's session."""
        send = _SENDERS.get(self._method)
        if send is None:
            self._reply = self._core.call(self._method, envelope)
        else:
            self._reply = send(self._core, self._args, envelope)

    def getresponse(self) -> _Response:
        status, reason, body = self._reply
        return _Response(status, reason, tidy(body))


class _Response(io.BytesIO):
    """The answer, as ``http.client`` hands it out."""

    def __init__(self, status: int, reason: str, body: bytes) -> None:
        super().__init__(body)
        self.status = status
        self.reason = reason

    def getheader(self, _name: str, default: str | None = None) -> str | None:
        """None of those that pyvmomi asks for: the core's answers are not compressed."""
        return default


class _SessionStub(_StandIn):
    """A ``VimSessionOrientedStub``: its own code logs in again over its own connection."""

    def __init__(self, real: Any, soap_stub: _SoapStub) -> None:
        super().__init__(real)
        self.soapStub = soap_stub

    def InvokeMethod(self, mo: Any, info: Any, args: Any) -> Any:  # noqa: N802
        """One call, repeated after a new login."""
        return type(self._real).InvokeMethod(self, mo, info, args)

    def InvokeAccessor(self, mo: Any, info: Any) -> Any:  # noqa: N802
        """One attribute, read again after a new login."""
        return type(self._real).InvokeAccessor(self, mo, info)


def _percent(given: int) -> int:
    """What the keep-alive repeats; the script's own call sends any number as it is."""
    return max(0, min(int(given), 100))
