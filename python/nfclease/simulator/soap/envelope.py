"""SOAP envelopes: a request into a method and its arguments, a result or fault into text.

pyVmomi's own (de)serializer does the work, with its own type information, so that the wire
format is the one that clients know.
"""

from __future__ import annotations

import dataclasses
import io
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from pyVmomi import SoapAdapter

from nfclease.simulator.soap.vsphere import ManagedObject, Object, fault, support

_adapter: Any = SoapAdapter
_SEPARATOR = _adapter.NS_SEP
_BODY = f"{_adapter.XMLNS_SOAPENV}{_SEPARATOR}Body"
_HEADER = f"{_adapter.XMLNS_SOAPENV}{_SEPARATOR}Header"
_NAMESPACES = {
    _adapter.XMLNS_SOAPENV: "soapenv",
    support.XMLNS_XSD: "xsd",
    support.XMLNS_XSI: "xsi",
    "urn:vim25": "",
}
_OPENING = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope'
    f' xmlns:soapenv="{_adapter.XMLNS_SOAPENV}" xmlns:xsd="{support.XMLNS_XSD}"'
    f' xmlns:xsi="{support.XMLNS_XSI}">\n<soapenv:Body>\n'
)
_CLOSING = "\n</soapenv:Body>\n</soapenv:Envelope>"
#: Reads one property; in no documentation, and every server knows it.
FETCH = Object(
    name="fetch",
    wsdlName="Fetch",
    params=(Object(name="prop", type=str, version=support.BASE_VERSION, flags=0),),
    result=object,
    resultFlags=support.F_OPTIONAL,
)


@dataclasses.dataclass
class Request:
    """One call as it came in."""

    method: str
    info: Any  # pyVmomi's description of the method
    this: Any
    args: dict[str, Any]
    header: dict[str, str]


def parse(body: bytes) -> Request:
    """The request in an envelope.

    Raises:
        vmodl.fault.InvalidRequest: Not XML, not SOAP, or values that the method does not take.
    """
    reader = _Reader()
    try:
        return reader.read(body)
    except (ExpatError, TypeError, ValueError, KeyError, AttributeError, LookupError) as error:
        raise fault("vmodl.fault.InvalidRequest", f"the request cannot be read: {error}") from error


def answer(request: Request, result: Any, version: str) -> str:
    """The envelope of a result; fields newer than ``version`` are left out."""
    out = io.StringIO()
    info = request.info
    if info.result is not type(None):
        field = Object(
            name="returnval",
            type=info.result,
            version=support.BASE_VERSION,
            flags=support.F_OPTIONAL,
        )
        _Serializer(out, version).Serialize(result, field)
    name = f"{request.method}Response"
    return f'{_OPENING}<{name} xmlns="urn:vim25">{out.getvalue()}</{name}>{_CLOSING}'


def refusal(error: Any, version: str) -> str:
    """The envelope of a fault."""
    out = io.StringIO()
    detail = type(error)()  # copy.copy() refuses a fault whose required fields nobody has set
    detail.__dict__.update(error.__dict__, msg=None)
    field = Object(
        name=f"{error._wsdlName}Fault",
        type=object,
        version=support.BASE_VERSION,
        flags=support.F_OPTIONAL,
    )
    serializer = _Serializer(out, version)
    serializer._SerializeDataObject(detail, field, ' xmlns="urn:vim25"', "urn:vim25")
    message = _adapter.XmlEscape(error.msg or "")
    return (
        f"{_OPENING}<soapenv:Fault><faultcode>ServerFaultCode</faultcode>"
        f"<faultstring>{message}</faultstring><detail>{out.getvalue()}</detail></soapenv:Fault>"
        f"{_CLOSING}"
    )


def text_of(value: Any, version: str) -> str:
    """A value as XML, to see whether it has changed."""
    out = io.StringIO()
    field = Object(name="val", type=object, version=support.BASE_VERSION, flags=support.F_OPTIONAL)
    _Serializer(out, version).Serialize(value, field)
    return out.getvalue()


class _Serializer(_adapter.SoapSerializer):  # type: ignore[misc]
    """pyVmomi's, but lenient: a required field that the simulator does not know is left out."""

    def __init__(self, out: io.StringIO, version: str) -> None:
        super().__init__(out, version, _NAMESPACES)
        self.outermostAttrs = ""

    def _Serialize(self, val: Any, info: Any, defNS: str) -> None:  # noqa: N802, N803
        if val is None:
            return
        if isinstance(val, list) and not val and info.type is not object:
            return
        super()._Serialize(val, info, defNS)

    def _QName(self, typ: Any, defNS: str) -> tuple[str, str]:  # noqa: N802, N803
        attr, name = super()._QName(typ, defNS)
        # pyVmomi calls it ManagedObject, servers ManagedObjectReference, and Go takes no other.
        return attr, f"{name}Reference" if typ is ManagedObject else name


class _Reader(_adapter.ExpatDeserializerNSHandlers):  # type: ignore[misc]
    """Finds the method in the body and hands each argument to pyVmomi's deserializer."""

    def __init__(self) -> None:
        super().__init__()
        self.path: list[str] = []
        self.method = ""
        self.info: Any = None
        self.found: list[tuple[str, Any]] = []
        self.header: dict[str, str] = {}
        self.data = ""

    def read(self, body: bytes) -> Request:
        self.parser = ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        _adapter.SetHandlers(self.parser, _adapter.GetHandlers(self))
        self.parser.Parse(body, True)
        del self.parser
        args: dict[str, Any] = {}
        this = None
        for name, deserializer in self.found:
            value = deserializer.GetResult()
            if name == "_this":
                this = value
            elif isinstance(args.get(name), list):
                args[name].append(value)
            else:
                args[name] = [value] if self._is_list(name) else value
        if not self.method or this is None:
            raise ValueError("no method, or no _this")
        return Request(self.method, self.info, this, args, self.header)

    def _refuse(self, *_: Any) -> None:
        raise ValueError("a document type is not allowed")

    def _type_of(self, name: str) -> Any:
        if name == "_this":
            return ManagedObject
        return next((param.type for param in self.info.params if param.name == name), None)

    def _is_list(self, name: str) -> bool:
        kind = self._type_of(name)
        return isinstance(kind, type) and issubclass(kind, list)

    def StartElementHandler(self, tag: str, attr: dict[str, str]) -> None:  # noqa: N802
        name = tag.rpartition(_SEPARATOR)[2]
        self.data = ""
        if self.path and self.path[-1] == _BODY:
            self.method, self.info = name, _method(name)
            if self.info is None:
                raise ValueError(f"Unable to resolve WSDL method name {name}")
        elif len(self.path) >= 2 and self.path[-2] == _BODY:
            self._argument(tag, name, attr)
            return
        self.path.append(tag)

    def _argument(self, tag: str, name: str, attr: dict[str, str]) -> None:
        kind = self._type_of(name)
        if kind is None:
            raise ValueError(f"{self.method} takes no {name}")
        deserializer: Any = _adapter.SoapDeserializer()
        if isinstance(kind, type) and issubclass(kind, list):
            kind = kind.Item  # type: ignore[attr-defined]
        # It takes over the parser for this element, and hands it back at the element's end.
        deserializer.Deserialize(self.parser, kind, False, self.nsMap)
        self.found.append((name, deserializer))
        deserializer.StartElementHandler(tag, attr)

    def CharacterDataHandler(self, data: str) -> None:  # noqa: N802
        self.data += data

    def EndElementHandler(self, tag: str) -> None:  # noqa: N802
        self.path.pop()
        if self.path and self.path[-1] == _HEADER:
            self.header[tag.rpartition(_SEPARATOR)[2]] = self.data


def _method(name: str) -> Any:
    if name == "Fetch":
        return FETCH
    try:
        return support.GetWsdlMethod("urn:vim25", name).info
    except KeyError:
        return None
