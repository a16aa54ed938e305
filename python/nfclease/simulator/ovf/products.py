"""ProductSections of OVF descriptors: read, mapped, and written again."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from nfclease.simulator.ovf.tree import line_of
from nfclease.simulator.soap.vsphere import vim

_OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
_REFERENCE = re.compile(r"\$\{([^}]+)\}")
#: Elements of a section, with the fields of vim.vApp.ProductInfo that they fill.
_FIELDS = {
    "Product": "name",
    "Vendor": "vendor",
    "Version": "version",
    "FullVersion": "fullVersion",
    "ProductUrl": "productUrl",
    "VendorUrl": "vendorUrl",
    "AppUrl": "appUrl",
}


@dataclasses.dataclass
class Property:
    """A property, whose value an import may choose if it is the user's."""

    key: str
    full_key: str
    kind: str
    value: str
    configurable: bool
    label: str
    description: str
    category: str
    qualifiers: str = ""
    line: int = 0


@dataclasses.dataclass
class Product:
    """A section."""

    class_id: str
    instance_id: str
    fields: dict[str, str]
    properties: list[Property]


def read_products(element: ET.Element) -> list[Product]:
    """The sections right below a VirtualSystem or a collection."""
    return [_product(section) for section in element.iterfind(f"{_OVF}ProductSection")]


def _product(section: ET.Element) -> Product:
    class_id, instance = (section.get(f"{_OVF}{name}", "") for name in ("class", "instance"))
    fields, properties, category = {}, [], ""
    for child in section:
        tag, text = child.tag.rpartition("}")[2], (child.text or "").strip()
        if tag in _FIELDS:
            fields[_FIELDS[tag]] = text
        elif tag == "Category":
            category = text
        elif tag == "Property":
            key = child.get(f"{_OVF}key", "")
            properties.append(
                Property(
                    key=key,
                    full_key=".".join(part for part in (class_id, key, instance) if part),
                    kind=child.get(f"{_OVF}type", "string"),
                    value=child.get(f"{_OVF}value", ""),
                    configurable=child.get(f"{_OVF}userConfigurable") in ("true", "1"),
                    label=(child.findtext(f"{_OVF}Label") or key).strip(),
                    description=(child.findtext(f"{_OVF}Description") or "").strip(),
                    category=category,
                    qualifiers=child.get(f"{_OVF}qualifiers", ""),
                    line=line_of(child),
                )
            )
    return Product(class_id, instance, fields, properties)


def choose(products: Iterable[Product], mapping: dict[str, str]) -> dict[str, str]:
    """Puts the mapped values in; returns the value of each key, by its short and its full form."""
    values: dict[str, str] = {}
    for product in products:
        for one in product.properties:
            if one.configurable:
                one.value = mapping.get(one.full_key, one.value)
            values.setdefault(one.key, one.value)
            values[one.full_key] = one.value
    return values


def resolve(text: str, values: dict[str, str]) -> str:
    """A text with the values of the properties that it names, as in ``${size}``."""
    return _REFERENCE.sub(lambda match: values.get(match[1], match[0]), text)


def product_infos(products: list[Product]) -> tuple[list[Any], list[Any]]:
    """The same as the API has it: products and properties, with keys from 0."""
    infos = [
        vim.vApp.ProductInfo(
            key=number, classId=one.class_id, instanceId=one.instance_id, **one.fields
        )
        for number, one in enumerate(products)
    ]
    pairs = [(product, one) for product in products for one in product.properties]
    properties = [
        vim.vApp.PropertyInfo(
            key=number,
            classId=product.class_id,
            instanceId=product.instance_id,
            id=one.key,
            category=one.category,
            label=one.label,
            type=one.kind,
            userConfigurable=one.configurable,
            defaultValue=one.value,
            value="",
            description=one.description,
        )
        for number, (product, one) in enumerate(pairs)
    ]
    return infos, properties


def config_spec(products: list[Product], **fields: Any) -> Any:
    """A VmConfigSpec that adds them, or None."""
    if not products and not any(fields.values()):
        return None
    infos, properties = product_infos(products)
    api = vim.vApp
    return api.VmConfigSpec(
        product=[api.ProductSpec(operation="add", info=info) for info in infos],
        property=[api.PropertySpec(operation="add", info=info) for info in properties],
        **fields,
    )


def write_products(config: Any) -> Iterator[str]:
    """The sections of a VmConfigInfo, for a descriptor."""
    for info in config.product if config else []:
        classes = (("class", info.classId), ("instance", info.instanceId))
        attributes = "".join(f" ovf:{name}={quoteattr(value)}" for name, value in classes if value)
        yield f"    <ProductSection{attributes}>\n      <Info>The product</Info>\n"
        for tag, field in _FIELDS.items():
            if text := getattr(info, field):
                yield f"      <{tag}>{escape(text)}</{tag}>\n"
        category = ""
        for one in config.property:
            if (one.classId, one.instanceId) == (info.classId, info.instanceId):
                if one.category and one.category != category:
                    category = one.category
                    yield f"      <Category>{escape(category)}</Category>\n"
                yield from _write_property(one)
        yield "    </ProductSection>\n"


def _write_property(one: Any) -> Iterator[str]:
    value = one.value or one.defaultValue or ""
    yield (
        f"      <Property ovf:key={quoteattr(one.id)} ovf:type={quoteattr(one.type or 'string')}"
        f' ovf:userConfigurable="{str(bool(one.userConfigurable)).lower()}"'
        f" ovf:value={quoteattr(value)}>\n        <Label>{escape(one.label or one.id)}</Label>\n"
        f"        <Description>{escape(one.description or '')}</Description>\n"
        "      </Property>\n"
    )
