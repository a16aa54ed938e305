"""What an import would do, as ``plan_import`` says it."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyVmomi import vim

__all__ = ["ImportPlan", "PlannedFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file of the package that the server wants.

    Attributes:
        name: Its name in the package.
        size: Bytes that would be sent: of a compressed file, what it holds; None if that is
            unknown before its end.
        disk: Whether it becomes a disk.
        capacity: Bytes of that disk; None for another file, or where a property decides.
        checksum_type: ``sha1``, ``sha256`` or ``sha512``, the strongest that is compared with the
            manifest file; None where that has no line for it, or where the manifest file comes at
            a stream's end.

    Examples:
        >>> [(file.name, file.disk) for file in nfclease.plan_import(package, resource_pool).files]
        [('disk.vmdk', True)]
    """

    name: str
    size: int | None
    disk: bool
    capacity: int | None
    checksum_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import with the same arguments would do.

    Attributes:
        name: What the new VM or vApp would be called.
        files: One row for each file that would be sent, in the order of the server's ``fileItem``.
        datastore: Where they would go.
        folder: Where it would be listed; None in a vApp.
        networks: From each network of the descriptor that is mapped to one of the server.
        warnings: What ``CreateImportSpec`` warned of.
        notes: What is odd about the package.

    Examples:
        >>> plan = nfclease.plan_import(package, resource_pool, name="copy")
        >>> (plan.name, plan.datastore.name, plan.notes)
        ('copy', 'datastore1', ())
    """

    name: str
    files: tuple[PlannedFile, ...]
    datastore: vim.Datastore
    folder: vim.Folder | None
    networks: Mapping[str, vim.Network]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def bytes(self) -> int | None:
        """Bytes that would be sent in all; None if unknown yet."""
        sizes = [file.size for file in self.files if file.size is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None
