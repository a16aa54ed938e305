"""What ``copy_vm`` returns: the new VM, and a row for each of its files."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease._display.html import columns, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from pyVmomi import vim

__all__ = ["CopiedFile", "CopyResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedFile:
    """A file that came from one server and went to the other.

    Attributes:
        name: Its name at the source.
        key: ``DeviceUrl.key`` of the device that it went to.
        size: Bytes, which are as many at both ends.
        checksum: Their digest, lower-case hex, which is the same at both ends.
        checksum_type: ``sha1`` or ``sha256``.
        verified: ``manifest`` when size and checksum equal those of both servers (``GetManifest``),
            ``stream`` when one of them listed none.
        disk: Whether it is a disk.
        seconds: From the first request for it to the last check of what was sent.

    Examples:
        >>> result = nfclease.copy_vm(vm, resource_pool, name="copied-file")
        >>> {file.verified for file in result.files}
        {'manifest'}
    """

    name: str
    key: str
    size: int
    checksum: str
    checksum_type: str
    verified: Literal["manifest", "stream"]
    disk: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """A finished copy.

    Attributes:
        entity: The new VM or vApp, in the session of the resource pool.
        name: Its name.
        files: One row for each file that was copied, in the order of the server's ``fileItem``.
        warnings: What either server found odd about the descriptor, and a snapshot that was not
            quiesced or could not be removed.
        notes: Networks that are not mapped, and files that the new VM does not have.
        seconds: All of it.

    Examples:
        >>> result = nfclease.copy_vm(vm, resource_pool, name="copied")
        >>> (result.name, len(result.files))
        ('copied', 4)
    """

    entity: vim.VirtualMachine | vim.VirtualApp
    name: str
    files: tuple[CopiedFile, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def _repr_html_(self) -> str:
        title = f"{self.name}: {len(self.files)} files, {size(self.bytes)}, copied"
        rows = [
            [each.name, size(each.size), each.verified, f"{each.checksum_type} {each.checksum}"]
            for each in self.files
        ]
        return columns(title, ["name", "size", "verified", "checksum"], rows)
