"""What is in a package, as ``inspect`` says it."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease._display.html import columns, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from nfclease.appliance.disk_info import DiskInfo
    from nfclease.appliance.manifest_file import ManifestFile

__all__ = [
    "PackageDeploymentOption",
    "PackageDisk",
    "PackageFile",
    "PackageInfo",
    "PackageNetwork",
    "PackageProduct",
    "PackageProperty",
    "PackageSystem",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """A file of the package: ``References/File`` of the descriptor.

    Attributes:
        id: Its ``id``, by which disks name it.
        href: Its ``href`` as written.
        path: Where it is beside the descriptor, decoded; None where that is outside the package.
        size: Its ``size`` in bytes, which some tools write wrong; None where it says none.
        stored_size: The bytes that are there, compressed ones where it is compressed; None where
            the file is missing.
        chunk_size: ``chunkSize`` in bytes, of a file in several pieces; else None.
        compression: ``identity`` or ``gzip``.
    """

    id: str
    href: str
    path: str | None
    size: int | None
    stored_size: int | None
    chunk_size: int | None
    compression: Literal["identity", "gzip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageDisk:
    """A virtual disk.

    Attributes:
        disk_id: Its ``diskId``.
        file_ref: The ``id`` of its file; None for a disk that is made empty.
        capacity: Bytes of the whole disk; None where a property without a default decides.
        format: The URI of its format.
        populated_size: Bytes in use, as the descriptor says; None where it does not.
        parent_ref: The ``diskId`` of the disk that this is a delta of; else None.
    """

    disk_id: str
    file_ref: str | None
    capacity: int | None
    format: str
    populated_size: int | None
    parent_ref: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageNetwork:
    """A network to map at an import.

    Attributes:
        name: Its name, a key of ``networks=`` of ``import_vapp``.
        description: What it is for.
    """

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSystem:
    """A VM, or a collection of them.

    Attributes:
        id: Its ``id``.
        name: Its ``Name``; often empty.
        kind: ``VirtualSystem`` or ``VirtualSystemCollection``.
        hardware_versions: ``vmx-13`` and so on.
        cpus: Virtual processors; None where it does not say.
        memory: Bytes; None where it does not say.
        operating_system: As the descriptor describes it.
        disks: The disks it has, by ``disk_id``.
        networks: The networks it is on, by name.
        systems: What is in a collection.
    """

    id: str
    name: str
    kind: Literal["VirtualSystem", "VirtualSystemCollection"]
    hardware_versions: tuple[str, ...]
    cpus: int | None
    memory: int | None
    operating_system: str
    disks: tuple[str, ...]
    networks: tuple[str, ...]
    systems: tuple[PackageSystem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageProperty:
    """What can be set at an import.

    Attributes:
        key: ``class.key.instance``, a key of ``properties=`` of ``import_vapp``.
        type: ``string``, ``boolean``, ``int`` and so on, as written.
        default: Its value if nobody gives one, or None.
        label: What to call it.
        description: What it is for.
        category: The group it is in.
        user_configurable: Whether it is meant to be set; the others are hidden.
        password: Whether its value is not to be shown.
        values: The values that are allowed; empty where any is.
        system: The ``id`` of its VM or collection.
    """

    key: str
    type: str
    default: str | None
    label: str
    description: str
    category: str
    user_configurable: bool
    password: bool
    values: tuple[str, ...]
    system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageDeploymentOption:
    """A choice of size and layout.

    Attributes:
        id: What ``deployment_option=`` of ``import_vapp`` takes.
        label: What to call it.
        description: What it is for.
        default: Whether it is taken unless another one is chosen.
    """

    id: str
    label: str
    description: str
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageProduct:
    """What is installed.

    Attributes:
        name: The product.
        vendor: Who makes it.
        version: Its version, to compare.
        full_version: Its version, to show.
        system: The ``id`` of its VM or collection.
    """

    name: str
    vendor: str
    version: str
    full_version: str
    system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageInfo:
    """What is in an OVF package.

    Attributes:
        name: The descriptor's file name.
        version: Of OVF: ``1``, ``2``, or ``0.9`` for what came before the standard; empty for a
            disk by itself.
        systems: The VM, or the vApp with what is in it.
        files: The files beside the descriptor, in their order.
        disks: The virtual disks.
        networks: The networks to map.
        properties: What can be set at an import, hidden ones too.
        deployment_options: The choices of size and layout.
        products: What is installed.
        eulas: The licences, whole.
        manifest: The manifest file; None without one, or where it cannot be read.
        certificate: Whether there is a ``.cert`` file; nobody checks it here.
        notes: What is odd about the package, files that are missing among it.
        image: What is in the disk, where a ``.vmdk`` by itself was inspected; else None.

    Examples:
        >>> info = nfclease.inspect(package)
        >>> [(disk.capacity, file.stored_size) for disk, file in zip(info.disks, info.files)]
        [(1048576, 71168)]
    """

    name: str
    version: Literal["0.9", "1", "2", ""]
    systems: tuple[PackageSystem, ...]
    files: tuple[PackageFile, ...]
    disks: tuple[PackageDisk, ...]
    networks: tuple[PackageNetwork, ...]
    properties: tuple[PackageProperty, ...]
    deployment_options: tuple[PackageDeploymentOption, ...]
    products: tuple[PackageProduct, ...]
    eulas: tuple[str, ...]
    manifest: ManifestFile | None
    certificate: bool
    notes: tuple[str, ...]
    image: DiskInfo | None = None

    def _repr_html_(self) -> str:
        paths = {file.id: file.path or file.href for file in self.files}
        sizes = {file.id: file.stored_size for file in self.files}
        disks = [
            (
                disk.disk_id,
                size(disk.capacity),
                paths.get(disk.file_ref or "", "none: it starts empty"),
                size(sizes.get(disk.file_ref or "", 0)),
            )
            for disk in self.disks
        ]
        shown = columns(self.name, ("disk", "capacity", "file", "stored"), disks)
        if self.notes:
            shown += columns("what is odd", ("note",), [(note,) for note in self.notes])
        return shown
