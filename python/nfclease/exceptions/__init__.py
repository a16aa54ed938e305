"""The errors of nfclease.

Faults that the server sends for a call stay pyvmomi's own classes (``vim.fault.Timedout`` and so
on), local I/O stays ``OSError`` with its errno, and ``KeyboardInterrupt`` and your own
exceptions pass unchanged. Everything else is one of these:

    NfcError
     +-- ConnectError (also ConnectionError)
     +-- TlsError (also ConnectionError)
     |    +-- ThumbprintMismatchError
     +-- InsecureUrlError (also ValueError)
     +-- UnexpectedRedirectError
     +-- HttpStatusError
     +-- StallError (also TimeoutError)
     +-- CallTimeoutError (also TimeoutError)
     +-- TruncatedError
     +-- ProtocolError
     |    +-- LimitExceededError
     +-- IntegrityError
     |    +-- ChecksumMismatchError
     |    +-- SizeMismatchError
     |    +-- SourceChangedError
     |    +-- ManifestError
     |    +-- MissingUploadError
     |    +-- DiskFormatError
     +-- PackageError (also ValueError)
     +-- UnsafePathError (also ValueError)
     +-- NotFoundError (also LookupError)
     +-- AmbiguousNameError (also LookupError)
     +-- BlockedError (also vim.fault.TaskInProgress)
     +-- LeaseError
     |    +-- AmbiguousLeaseError (also ConnectionError)
     |    +-- LeaseInitError
     |    +-- LeaseLostError
     |    |    +-- SessionExpiredError
     |    +-- LeaseCompleteError
     |    +-- LeaseStateError
     +-- TransferCancelledError
     +-- ForkError (also RuntimeError)
     +-- JournalError
     |    +-- JournalInUseError
     +-- InternalError

Examples:
    >>> from nfclease import ChecksumMismatchError, IntegrityError
    >>> issubclass(ChecksumMismatchError, IntegrityError)
    True
"""

from __future__ import annotations

from nfclease.exceptions._base import NfcError
from nfclease.exceptions._bytes import (
    ChecksumMismatchError,
    DiskFormatError,
    IntegrityError,
    ManifestError,
    MissingUploadError,
    PackageError,
    SizeMismatchError,
    SourceChangedError,
    UnsafePathError,
)
from nfclease.exceptions._here import (
    AmbiguousNameError,
    ForkError,
    InternalError,
    JournalError,
    JournalInUseError,
    NotFoundError,
    TransferCancelledError,
)
from nfclease.exceptions._hosts import (
    CallTimeoutError,
    ConnectError,
    HttpStatusError,
    InsecureUrlError,
    LimitExceededError,
    ProtocolError,
    StallError,
    ThumbprintMismatchError,
    TlsError,
    TruncatedError,
    UnexpectedRedirectError,
)
from nfclease.exceptions._leases import (
    AmbiguousLeaseError,
    LeaseCompleteError,
    LeaseError,
    LeaseInitError,
    LeaseLostError,
    LeaseStateError,
    SessionExpiredError,
)
from nfclease.exceptions._leases import (
    ServerFaultReply as ServerFaultReply,
)

__all__ = [
    "AmbiguousLeaseError",
    "AmbiguousNameError",
    "CallTimeoutError",
    "ChecksumMismatchError",
    "ConnectError",
    "DiskFormatError",
    "ForkError",
    "HttpStatusError",
    "InsecureUrlError",
    "IntegrityError",
    "InternalError",
    "JournalError",
    "JournalInUseError",
    "LeaseCompleteError",
    "LeaseError",
    "LeaseInitError",
    "LeaseLostError",
    "LeaseStateError",
    "LimitExceededError",
    "ManifestError",
    "MissingUploadError",
    "NfcError",
    "NotFoundError",
    "PackageError",
    "ProtocolError",
    "SessionExpiredError",
    "SizeMismatchError",
    "SourceChangedError",
    "StallError",
    "ThumbprintMismatchError",
    "TlsError",
    "TransferCancelledError",
    "TruncatedError",
    "UnexpectedRedirectError",
    "UnsafePathError",
]

for _name in (*__all__, "ServerFaultReply"):
    # One public place, by which they are pickled and shown, whichever file one is written in.
    globals()[_name].__module__ = __name__
