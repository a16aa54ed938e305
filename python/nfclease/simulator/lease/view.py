"""What a lease is about, and how it shows that."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.machines import Machine
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import Managed

if TYPE_CHECKING:
    from nfclease.simulator.lease.lease import Lease

_Lease: Any = vim.HttpNfcLease


@dataclasses.dataclass
class LeaseFile:
    """A file that a lease moves, and what has been moved of it.

    Attributes:
        file: The VM's file.
        key: ``DeviceUrl.key``.
        import_key: ``DeviceUrl.importKey``; empty in an export.
        name: File name in the URL, and targetId.
        create: Whether an import makes the file with PUT.
        checksum_type: As ``SetManifestChecksumType`` said, else sha1.
        sums: Size and digests of the last stream, for the manifest; None before the first.
    """

    file: VmFile
    key: str
    name: str
    import_key: str = ""
    create: bool = False
    checksum_type: str = "sha1"
    sums: dict[str, Any] | None = None
    device_url: Any = None

    @property
    def known_as(self) -> str:
        """All its names, for faults to match."""
        return f"{self.name} {self.key} {self.import_key}"


@dataclasses.dataclass
class Content:
    """What a lease is for: the entity, its files, the VMs that it blocks."""

    entity: Managed
    files: list[LeaseFile]
    machines: list[Machine]


def device_url(lease: Lease, file: LeaseFile) -> Any:
    """The DeviceUrl of a file, with the faults that change it."""
    world = lease.world
    facts = {"lease": lease.moid, "disk": file.known_as}
    folder = f"{world.data_url}/{'ha-nfc' if world.options.esx else 'nfc'}/{lease.ticket}/"
    made = _Lease.DeviceUrl(
        key=file.key,
        importKey=file.import_key,
        url=folder + quote(file.name, safe=""),
        sslThumbprint=world.data_thumbprint,
        disk=file.file.disk,
        targetId=file.name,
        datastoreKey=folder,
    )
    if world.data_certificate and hasattr(made, "sslCertificate"):  # pyvmomi knows it from 9.0 on
        made.sslCertificate = world.data_certificate
    if not file.file.disk and lease.kind == "export":
        made.fileSize = file.file.size
    renamed = world.faults.take("target_id", facts)
    if renamed is not None:
        made.targetId = renamed["value"]
    if world.faults.take("http_url", facts) is not None:
        made.url = made.url.replace("https://", "http://", 1)
    edited = world.faults.take("device_url", facts) or {}
    for name, value in {**edited, **edited.get("fields", {})}.items():
        if name != "fields":
            first, *rest = name.split("_")
            setattr(made, first + "".join(map(str.capitalize, rest)), value)
    return made


def manifest_entry(lease: Lease, file: LeaseFile) -> Any:
    """The ManifestEntry of a file that was moved; None if a fault hides it."""
    sums = file.sums or {}
    entry = _Lease.ManifestEntry(
        key=file.key,
        sha1=sums["sha1"],
        checksum=sums[file.checksum_type],
        checksumType=file.checksum_type,
        size=sums["size"],
        disk=file.file.disk,
    )
    if file.file.disk:
        entry.capacity = file.file.capacity
        content = file.file.content
        entry.populatedSize = content.populated_size if content else sums["size"]
    facts = {"lease": lease.moid, "disk": file.known_as}
    edited = lease.world.faults.take("manifest", facts)
    if edited is None:
        return entry
    if edited.get("missing"):
        return None
    for name, value in edited.items():
        if name != "missing":
            setattr(entry, name, value)
    return entry


def describe(lease: Lease) -> dict[str, Any]:
    """The lease for the control plane."""
    content = lease.content
    manifest = [
        {"key": file.key, "name": file.name, **file.sums}
        for file in (content.files if content else [])
        if file.sums is not None
    ]
    return {
        "moid": lease.moid,
        "kind": lease.kind,
        "state": str(lease.state),
        "error": type(lease.error).__name__ if lease.error else None,
        "message": getattr(lease.error, "msg", None),
        "percent": lease.percent,
        "last_progress_age": lease.world.clock() - lease.renewed,
        "entity": content.entity.moid if content else None,
        "manifest": manifest,
    }
