"""A client that is made from the WSDL finds everything that the documents name."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest

from nfclease.simulator import Simulator

from .support.calls import request

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_BUILT_IN = {
    "anyType",
    "anyURI",
    "base64Binary",
    "boolean",
    "byte",
    "dateTime",
    "double",
    "float",
    "int",
    "long",
    "short",
    "string",
}


def documents(url: str) -> Iterator[ET.Element]:
    """A document, and every one that it imports or includes, each once."""
    seen, waiting = {url}, [url]
    while waiting:
        at = waiting.pop()
        response, body = request("GET", at)
        assert response.status == 200, at
        assert (response.getheader("Content-Type") or "").startswith("text/xml")
        root = ET.fromstring(body)
        yield root
        for element in root.iter():
            where = element.get("location") or element.get("schemaLocation")
            follows = element.tag.rpartition("}")[2] in ("import", "include")
            if follows and where and (found := urljoin(at, where)) not in seen:
                seen.add(found)
                waiting.append(found)


@pytest.mark.parametrize("version", ["8.0.3.0", "6.7"])
def test_every_name_in_the_wsdl_is_defined(version: str) -> None:
    with Simulator(disk_size="1m", api_version=version) as simulator:
        root = f"https://{simulator.host}:{simulator.port}/sdk"
        found = list(documents(f"{root}/vimService.wsdl"))
        assert len(found) == 3
        assert [one.get("location") for one in found[0].iter(f"{_SOAP}address")] == [
            f"{root}/vimService"
        ]
    types: set[str | None] = set()
    elements: set[str | None] = set()
    used: set[str] = set()
    for schema in (schema for one in found for schema in one.iter(f"{_XSD}schema")):
        names = [child.get("name") for child in schema if child.get("name")]
        kinds = [child.get("name") for child in schema if child.tag != f"{_XSD}element"]
        assert len(names) == len(set(names))
        types |= {*kinds}
        elements |= {*names} - {*kinds}
        used |= {e.get(name, "") for e in schema.iter() for name in ("type", "base")} - {""}
    wanted = {one.removeprefix("vim25:") for one in used if one.startswith("vim25:")}
    assert wanted <= types
    assert {one.removeprefix("xsd:") for one in used - {f"vim25:{w}" for w in wanted}} <= _BUILT_IN
    [interface] = [one for one in found if one.find(f"{_WSDL}binding") is not None]
    parts = {
        part.get("element", "").removeprefix("vim25:") for part in interface.iter(f"{_WSDL}part")
    }
    assert parts == elements
    messages = {f"vim25:{one.get('name')}" for one in interface.iterfind(f"{_WSDL}message")}
    operations = interface.findall(f"{_WSDL}portType/{_WSDL}operation")
    assert {child.get("message") for one in operations for child in one} == messages
    bound = interface.findall(f"{_WSDL}binding/{_WSDL}operation")
    assert [one.get("name") for one in bound] == [one.get("name") for one in operations]
    assert {"ExportVm", "HttpNfcLeaseComplete", "Login"} <= {one.get("name") for one in bound}
