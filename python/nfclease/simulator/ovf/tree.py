"""XML as a tree whose elements know their lines."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any
from xml.parsers import expat

from nfclease.simulator.soap.vsphere import fault

_SEPARATOR = "}"


class Node(ET.Element):
    """An element that knows where it begins."""

    line: int = 0


def line_of(element: ET.Element) -> int:
    """The line of an element."""
    return element.line if isinstance(element, Node) else 0


def parse_tree(text: str) -> ET.Element:
    """The root of a document.

    Raises:
        vim.fault.OvfXmlFormat: It is not well-formed, or has a document type.
    """
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True

    def make(tag: str, attributes: dict[str, str]) -> Node:
        node = Node(tag, attributes)
        node.line = parser.CurrentLineNumber
        return node

    builder = ET.TreeBuilder(element_factory=make)

    def start(name: str, attributes: dict[str, str]) -> None:
        builder.start(_tag(name), {_tag(key): value for key, value in attributes.items()})

    def refuse(*_: Any) -> None:
        raise _malformed(parser.CurrentLineNumber, "a document type is not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: builder.end(_tag(name))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise _malformed(error.lineno, expat.ErrorString(error.code)) from None
    return builder.close()


def _tag(name: str) -> str:
    return f"{{{name}" if _SEPARATOR in name else name


def _malformed(line: int, description: str) -> Any:
    return fault("vim.fault.OvfXmlFormat", lineNumber=line, description=description)
