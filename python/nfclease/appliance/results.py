"""What an export returns: the package, and a row for each of its files."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease._display.html import columns, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

__all__ = ["ExportResult", "ExportedFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file of an exported package that a host sent.

    Attributes:
        name: Its name in the package, which the descriptor's href is.
        size: Bytes, which the descriptor's ``ovf:size`` is.
        checksum: The digest of the manifest file's line, lower-case hex; the server's own digest
            where no manifest file was asked for.
        checksum_type: ``sha1``, ``sha256`` or ``sha512``.
        verified: As for ``TransferResult``: ``manifest`` when size and sum equal the server's.
        seconds: From the first request to the last check.
        attempts: How many times its download was started.
        key: ``DeviceUrl.key`` of its device.
        disk: Whether it is a disk.
        format: What a disk is: ``streamOptimized``, as hosts send it, ``raw`` or ``qcow2``. Of an
            image, ``verified`` says how far the stream was proved that it was made of. Its size is
            its own, and so is its checksum, but that of the stream where no manifest file was asked
            for. None for a file that is not a disk.
        capacity: Bytes of the disk, as the lease manifest says, else its stream; None for a file
            that is not a disk.
        populated_size: Bytes of the disk that are in use, likewise: grains of 64 KiB.
        reused: Whether it is a disk that an earlier export verified, which was digested again and
            not fetched (``resume=True``): ``seconds`` and ``attempts`` are 0 then.

    Examples:
        >>> from nfclease import export_vm
        >>> [file.name for file in export_vm(vm, "out").files if not file.disk]
        ['demo-vm.nvram']
    """

    name: str
    size: int
    checksum: str
    checksum_type: str
    verified: Literal["manifest", "stream"]
    seconds: float
    attempts: int
    key: str
    disk: bool
    format: str | None = None
    capacity: int | None = None
    populated_size: int | None = None
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """A package that was written.

    Attributes:
        path: The directory or the ``.ova``; None where it went to a file object.
        name: What the VM is called in it.
        descriptor: The descriptor's name in the package.
        manifest: The manifest file's name in the package; None where none was asked for.
        files: One row for each file that a host sent, in the descriptor's order.
        warnings: What the server found odd when it wrote the descriptor, and what else did not go
            as it should: a snapshot that is not quiesced, or that could not be removed.
        seconds: Of the whole job.

    Examples:
        >>> from nfclease import export_vm
        >>> result = export_vm(vm, "out")
        >>> (result.descriptor, result.manifest, len(result.files), result.warnings)
        ('demo-vm.ovf', 'demo-vm.mf', 4, ())
    """

    path: str | None
    name: str
    descriptor: str
    manifest: str | None
    files: tuple[ExportedFile, ...]
    warnings: tuple[str, ...]
    seconds: float

    @property
    def bytes(self) -> int:
        """Bytes of all its files, descriptor and manifest file not counted."""
        return sum(file.size for file in self.files)

    def _repr_html_(self) -> str:
        title = f"{self.path or self.name}: {len(self.files)} files, {size(self.bytes)}"
        names = ["name", "size", "verified", "seconds", "attempts", "checksum"]
        rows: list[list[object]] = [
            [
                file.name,
                size(file.size),
                file.verified,
                f"{file.seconds:.2f}",
                file.attempts,
                f"{file.checksum_type} {file.checksum}",
            ]
            for file in self.files
        ]
        return columns(title, names, [*rows, *(["warning", text] for text in self.warnings)])
