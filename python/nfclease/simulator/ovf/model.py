"""What a descriptor has, without its XML."""

from __future__ import annotations

import dataclasses

from nfclease.simulator.ovf.products import Product


@dataclasses.dataclass
class File:
    """An element of References."""

    id: str
    href: str
    size: int | None
    compression: str | None
    chunk_size: int | None


@dataclasses.dataclass
class Disk:
    """An element of the DiskSection."""

    id: str
    capacity: int
    file: str | None
    parent: str | None = None


@dataclasses.dataclass
class Item:
    """A hardware item: its CIM type, and its elements by local name."""

    kind: int
    values: dict[str, str]
    line: int = 0
    required: bool = True

    def number(self, name: str, default: int = 0) -> int:
        """An element as a number."""
        text = self.values.get(name, "")
        return int(text) if text.strip().lstrip("-").isdigit() else default


@dataclasses.dataclass
class System:
    """A VirtualSystem."""

    name: str
    families: str
    families_line: int
    items: list[Item]
    config: dict[str, str]
    extra_config: dict[str, str]
    annotation: str = ""
    products: list[Product] = dataclasses.field(default_factory=list)
    os_type: str = ""
    transports: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Option:
    """A Configuration of the DeploymentOptionSection."""

    id: str
    label: str
    description: str
    default: bool


@dataclasses.dataclass
class Section:
    """A section that the server does not know and may not pass over."""

    name: str
    info: str
    line: int


@dataclasses.dataclass
class Descriptor:
    """A descriptor, as it is after the choices of an import."""

    name: str
    vapp: bool
    files: dict[str, File]
    disks: dict[str, Disk]
    networks: dict[str, str]
    systems: list[System]
    products: list[Product]
    options: list[Option]
    option: str
    #: Those that the server does not know and is not to pass over.
    unknown: list[Section] = dataclasses.field(default_factory=list)

    def all_products(self) -> list[Product]:
        """Those of the collection and of each system."""
        return [*self.products, *(product for one in self.systems for product in one.products)]
