"""How a lease shows what it has moved."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.lease.files import LeaseFile
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.soap.vsphere import vim

_Lease: Any = vim.HttpNfcLease


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
