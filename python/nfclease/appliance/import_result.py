"""What an import made, and how far each of its files was proved."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease._display.html import columns, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from pyVmomi import vim

__all__ = ["ImportResult", "ImportedFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """A file of the package that went into the new VM.

    Attributes:
        name: Its name in the package.
        key: ``DeviceUrl.key`` of the device that it went to.
        size: Bytes that were sent: of a compressed file, what it holds.
        checksum: Their digest, lower-case hex.
        checksum_type: ``sha1`` or ``sha256``.
        verified: ``manifest`` when size and checksum equal the server's (``GetManifest``),
            ``stream`` when the server listed none.
        file_checksum_type: ``sha1``, ``sha256`` or ``sha512`` when the file equals its line in the
            package's manifest file, the strongest of several; None when that has no line for it.
        converted_from: ``qcow2`` or ``raw`` when a streamOptimized disk was made of the file and
            sent (``convert=True``): size and checksum are those of that disk.
        seconds: From the first request to the last check.
        attempts: How many times it was started.

    Examples:
        >>> result = nfclease.import_vapp(package, resource_pool, name="as-listed")
        >>> [file.file_checksum_type for file in result.files]
        ['sha256']
    """

    name: str
    key: str
    size: int
    checksum: str
    checksum_type: str
    verified: Literal["manifest", "stream"]
    file_checksum_type: str | None
    seconds: float
    attempts: int
    converted_from: Literal["qcow2", "raw"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """A finished import.

    Attributes:
        entity: The new VM or vApp.
        name: Its name.
        files: One row for each file that was sent, in the order of the server's ``fileItem``.
        warnings: What ``CreateImportSpec`` warned of.
        notes: What is odd about the package and was accepted; ``strict=True`` refuses it.

    Examples:
        >>> result = nfclease.import_vapp(package, resource_pool, name="copy")
        >>> {file.verified for file in result.files}
        {'manifest'}
    """

    entity: vim.VirtualMachine | vim.VirtualApp
    name: str
    files: tuple[ImportedFile, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Bytes that were sent in all."""
        return sum(file.size for file in self.files)

    def _repr_html_(self) -> str:
        files = "1 file" if len(self.files) == 1 else f"{len(self.files)} files"
        title = f"{self.name}: {files}, {size(self.bytes)}"
        names = ["name", "size", "verified", "manifest file", "seconds", "checksum"]
        rows = [
            [
                each.name,
                size(each.size),
                each.verified,
                each.file_checksum_type or "-",
                f"{each.seconds:.2f}",
                f"{each.checksum_type} {each.checksum}",
            ]
            for each in self.files
        ]
        return columns(title, names, rows)
