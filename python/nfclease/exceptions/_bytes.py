"""Errors of what is moved: bytes that are not those of the server, packages and file names."""

from __future__ import annotations

from nfclease.exceptions._base import NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.exceptions._base import Remedy

__all__ = [
    "ChecksumMismatchError",
    "DiskFormatError",
    "IntegrityError",
    "ManifestError",
    "MissingUploadError",
    "PackageError",
    "SizeMismatchError",
    "SourceChangedError",
    "UnsafePathError",
]


class IntegrityError(NfcError):
    """The bytes are not, or cannot be shown to be, those of the server."""


class ChecksumMismatchError(IntegrityError):
    """The checksum here is not the one in the lease manifest, or in a package's manifest file.

    Attributes:
        expected: The checksum there, lower-case hex.
        actual: The checksum of the bytes here.
        checksum_type: ``sha1`` or ``sha256``; in a manifest file also ``sha512``.
    """

    retryable = True
    remedy: Remedy = "retry"

    expected: str = ""
    actual: str = ""
    checksum_type: str = ""


class SizeMismatchError(IntegrityError):
    """The size here is not the announced one.

    Attributes:
        expected: The announced size in bytes.
        actual: The size here in bytes.
    """

    retryable = True
    remedy: Remedy = "retry"

    expected: int = 0
    actual: int = 0


class SourceChangedError(IntegrityError):
    """A file was written to, or replaced by another, while it was read; its length is the same.

    ``SizeMismatchError`` says so where the length differs.
    """

    remedy: Remedy = "fix_input"


class ManifestError(IntegrityError):
    """The lease manifest lacks an entry, and ``require_manifest`` is set.

    Or it lists other uploads and not this one, though the host took it.
    """

    remedy: Remedy = "fix_input"


class MissingUploadError(IntegrityError):
    """A device or item of an import was sent nothing, and the import was about to complete."""

    remedy: Remedy = "fix_input"


class DiskFormatError(IntegrityError):
    """A disk's stream is not a streamOptimized VMDK."""

    remedy: Remedy = "fix_input"


class PackageError(NfcError, ValueError):
    """An OVF package, its descriptor or its manifest file is not what the format demands."""

    remedy: Remedy = "fix_input"


class UnsafePathError(NfcError, ValueError):
    """A file name from a server or a package could leave the directory or hit another file."""

    remedy: Remedy = "fix_input"
