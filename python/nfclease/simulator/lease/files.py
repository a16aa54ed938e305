"""The files of a lease, and what has been moved of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.world import Managed

_SUFFIXES = {"disk": "vmdk", "iso": "iso"}


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


def file_name(machine: Machine, file: VmFile, number: int) -> str:
    """What a file is called in the URLs of a lease."""
    if file.kind == "nvram":
        return f"{machine.name}.nvram"
    return f"disk-{number}.{_SUFFIXES[file.kind]}"
