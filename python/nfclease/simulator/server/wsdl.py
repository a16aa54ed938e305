"""The WSDL of the service, made from pyVmomi's descriptions of its types.

``vimService.wsdl`` imports ``vim.wsdl``, and that includes ``vim-types.xsd``, as at a real server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

from nfclease.simulator.soap.vsphere import DataObject, ManagedObject, MethodFault, support
from nfclease.simulator.world import World

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_WSDL = (
    'xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"'
)
_SCHEMA = (
    f'xmlns="{support.XMLNS_XSD}" xmlns:xsd="{support.XMLNS_XSD}" xmlns:vim25="urn:vim25"'
    ' targetNamespace="urn:vim25" elementFormDefault="qualified"'
)
#: Types that pyVmomi knows apart, and the wire does not.
_TEXTS = {"Link", "MethodName", "PropertyPath", "QName", "TypeName"}
_REFERENCE = """\
<complexType name="ManagedObjectReference"><simpleContent><extension base="xsd:string">
<attribute name="type" type="xsd:string"/></extension></simpleContent></complexType>
<complexType name="LocalizedMethodFault"><complexContent><extension base="vim25:DynamicData">
<sequence><element name="fault" type="vim25:MethodFault"/>
<element name="localizedMessage" type="xsd:string" minOccurs="0"/></sequence>
</extension></complexContent></complexType>
"""


class Wsdl:
    """The documents, as new as the server."""

    def __init__(self, world: World) -> None:
        self._world = world

    def service(self, url: str) -> str:
        """``vimService.wsdl``: where the service is."""
        return (
            f'{_HEAD}<definitions targetNamespace="urn:vim25Service" {_WSDL}'
            ' xmlns:interface="urn:vim25">\n'
            '  <import location="vim.wsdl" namespace="urn:vim25" />\n'
            '  <service name="VimService">\n'
            '    <port binding="interface:VimBinding" name="VimPort">\n'
            f'      <soap:address location="{url}/sdk/vimService" />\n'
            "    </port>\n  </service>\n</definitions>\n"
        )

    def interface(self) -> str:
        """``vim.wsdl``: the messages, operations and binding of all methods."""
        methods = self._methods()
        texts = [_operation(name, self._world.api_version) for name in methods]
        return "".join(
            [
                f'{_HEAD}<definitions targetNamespace="urn:vim25" xmlns:vim25="urn:vim25" {_WSDL}>',
                f'<types><schema {_SCHEMA}>\n<include schemaLocation="vim-types.xsd"/>\n',
                *(self._messages(info) for info in methods.values()),
                "</schema></types>\n",
                *(message for message, _, _ in texts),
                '<portType name="VimPortType">\n',
                *(operation for _, operation, _ in texts),
                '</portType>\n<binding name="VimBinding" type="vim25:VimPortType">\n',
                '<soap:binding style="document"',
                ' transport="http://schemas.xmlsoap.org/soap/http"/>\n',
                *(bound for _, _, bound in texts),
                "</binding>\n</definitions>\n",
            ]
        )

    def types(self) -> str:
        """``vim-types.xsd``: data objects, enumerations and arrays."""
        kinds = self._kinds()
        arrays = {kind._wsdlName: f"vim25:{kind._wsdlName}" for kind in kinds}
        arrays["ManagedObjectReference"] = "vim25:ManagedObjectReference"
        for name in ("string", "int", "long", "short", "byte", "boolean", "double", "anyType"):
            arrays[name] = f"xsd:{name}"
        described = "".join(
            _data(kind, self._fields(kind)) if issubclass(kind, DataObject) else _enum(kind)
            for kind in kinds
        )
        listed = "".join(
            f'<complexType name="ArrayOf{name[:1].upper()}{name[1:]}"><sequence>'
            f'<element name="{name}" type="{kind}" minOccurs="0" maxOccurs="unbounded"/>'
            "</sequence></complexType>\n"
            for name, kind in arrays.items()
        )
        return f"{_HEAD}<schema {_SCHEMA}>\n{_REFERENCE}{described}{listed}</schema>\n"

    def _known(self, version: str) -> bool:
        return bool(support.IsChildVersion(self._world.version, version))

    def _kinds(self) -> list[Any]:
        for name in [*support._dataDefMap, *support._enumDefMap]:
            support.GetVmodlType(name)
        found = {}
        for kind in support.GetWsdlTypes():
            data = isinstance(kind, type) and issubclass(kind, (DataObject, support.Enum))
            if data and kind is not DataObject and not issubclass(kind, list):
                namespace, name = support.GetQualifiedWsdlName(kind)
                if namespace == "urn:vim25" and name not in {*_TEXTS, "LocalizedMethodFault"}:
                    found[name] = kind
        return [kind for _, kind in sorted(found.items())]

    def _fields(self, kind: Any) -> list[Any]:
        own = kind._GetPropertyList(includeBaseClassProps=False)
        return [info for info in own if self._known(info.version)]

    def _methods(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in list(support._managedDefMap):
            kind = support.GetVmodlType(name)
            if support.GetQualifiedWsdlName(kind)[0] == "urn:vim25":
                for info in kind._GetMethodList():
                    if self._known(info.version):
                        found.setdefault(info.wsdlName, info)
        return dict(sorted(found.items()))

    def _messages(self, info: Any) -> str:
        params = "".join(_element(one) for one in info.params if self._known(one.version))
        result = ""
        if info.result is not type(None):
            many = ' maxOccurs="unbounded"' if issubclass(info.result, list) else ""
            result = f'<element name="returnval" type="{_type(info.result)}" minOccurs="0"{many}/>'
        return (
            f'<element name="{info.wsdlName}"><complexType><sequence>'
            '<element name="_this" type="vim25:ManagedObjectReference"/>'
            f"{params}</sequence></complexType></element>\n"
            f'<element name="{info.wsdlName}Response"><complexType><sequence>{result}</sequence>'
            "</complexType></element>\n"
        )


def _operation(name: str, version: str) -> tuple[str, str, str]:
    """The messages of a method, its operation, and how that is bound."""
    messages = "".join(
        f'<message name="{name}{suffix}Msg">'
        f'<part name="parameters" element="vim25:{name}{element}"/></message>\n'
        for suffix, element in (("Request", ""), ("Response", "Response"))
    )
    operation = (
        f'<operation name="{name}"><input message="vim25:{name}RequestMsg"/>'
        f'<output message="vim25:{name}ResponseMsg"/></operation>\n'
    )
    literal = '<soap:body use="literal"/>'
    bound = (
        f'<operation name="{name}"><soap:operation soapAction="urn:vim25/{version}"'
        f' style="document"/><input>{literal}</input><output>{literal}</output></operation>\n'
    )
    return messages, operation, bound


def _data(kind: Any, fields: list[Any]) -> str:
    elements = f"<sequence>{''.join(map(_element, fields))}</sequence>"
    [base] = [one for one in kind.__bases__ if issubclass(one, DataObject)]
    if base is not DataObject:
        elements = (
            f'<complexContent><extension base="vim25:{base._wsdlName}">{elements}'
            "</extension></complexContent>"
        )
    return f'<complexType name="{kind._wsdlName}">{elements}</complexType>\n'


def _enum(kind: Any) -> str:
    values = "".join(f"<enumeration value={quoteattr(str(one))}/>" for one in _values(kind))
    return (
        f'<simpleType name="{kind._wsdlName}"><restriction base="xsd:string">{values}'
        "</restriction></simpleType>\n"
    )


def _values(kind: Any) -> Iterator[str]:
    for one in vars(kind)["values"]:
        if one != "__unknown__":
            yield one


def _element(info: Any) -> str:
    few = ' minOccurs="0"' if info.flags & support.F_OPTIONAL else ""
    many = ' maxOccurs="unbounded"' if issubclass(info.type, list) else ""
    return f'<element name="{info.name}" type="{_type(info.type)}"{few}{many}/>'


def _type(kind: Any) -> str:
    """The schema's name of a type, or of what a list has."""
    if issubclass(kind, list):
        kind = kind.Item
    if issubclass(kind, ManagedObject):
        return "vim25:ManagedObjectReference"
    if issubclass(kind, MethodFault):
        return "vim25:LocalizedMethodFault"
    namespace, name = support.GetQualifiedWsdlName(kind)
    if name in _TEXTS:
        return "xsd:string"
    return f"xsd:{name}" if namespace == support.XMLNS_XSD else f"vim25:{name}"
