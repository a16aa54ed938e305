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

from nfclease._text import message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    _Remedy: TypeAlias = Literal["retry", "new_lease", "fix_input", "none"]

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


class NfcError(Exception):
    """Base of all errors of nfclease.

    ``str(error)`` is one printable line of at most 500 characters, whatever a server said.

    Attributes:
        phase: Which step failed: ``connect``, ``headers``, ``body``, ``verify``, ``commit`` or
            ``lease``; empty outside a transfer.
        disk_key: ``DeviceUrl.key`` of the device, escaped and cut where it is not a short printable
            text; empty outside a transfer.
        bytes_done: Bytes that had moved in the last attempt; of an upload those that the connection
            was given, of which the host may have fewer.
        attempts: How many times the transfer was started.
        retryable: Whether the same call on the same lease may work when it is made again.
        remedy: What may help: ``retry`` (the same call), ``new_lease`` (the same job on a new
            lease; this one is useless now), ``fix_input`` (a file, an option or the session
            has to change first) or ``none`` (a person has to look).
        files_left: Partial files that could not be removed.
        lease_state: What the lease was when its ``with`` block ended: ``ready``, ``initializing``,
            ``lost`` and so on; empty while it is still held.
        lease_outcome: What became of the lease: ``aborted``, ``abort_failed``, ``lost`` or
            ``untouched``; empty while it is still held.
        lease: The lease's moId; empty where no lease was at work.
        vm: The moId of its VM or vApp; empty until the lease was ready.
        file: The device's file; empty outside a transfer.
        host: The host that has the file; empty outside a transfer.
    """

    phase: str = ""
    disk_key: str = ""
    bytes_done: int = 0
    attempts: int = 0
    retryable: bool = False
    remedy: _Remedy = "none"
    files_left: list[str] = []  # noqa: RUF012 - a default, replaced and never changed
    lease_state: str = ""
    lease_outcome: str = ""
    lease: str = ""
    vm: str = ""
    file: str = ""
    host: str = ""

    def __str__(self) -> str:
        """The message: what failed, what was seen and expected, what to do."""
        return message(super().__str__())

    def __repr__(self) -> str:
        """As of other exceptions, with that message."""
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles by message and attributes; a server fault inside does not pickle."""
        state = {k: v for k, v in self.__dict__.items() if k not in ("fault", "_fault_envelope")}
        return (type(self), self.args, state)


class ConnectError(NfcError, ConnectionError):
    """No connection to the host, or it broke before an answer came."""

    retryable = True
    remedy: _Remedy = "retry"


class TlsError(NfcError, ConnectionError):
    """The TLS handshake failed; nothing was sent."""

    remedy: _Remedy = "fix_input"


class ThumbprintMismatchError(TlsError):
    """The host's certificate is not the one that the lease or the session pins.

    Attributes:
        expected: The pinned thumbprint, lower-case hex.
        actual: The certificate's thumbprint under the same digest.
    """

    remedy: _Remedy = "none"

    expected: str = ""
    actual: str = ""


class InsecureUrlError(NfcError, ValueError):
    """The server gave an ``http://`` data URL to an ``https`` session."""

    remedy: _Remedy = "fix_input"


class UnexpectedRedirectError(NfcError):
    """The host answered with a redirect; redirects are never followed.

    Attributes:
        status: The HTTP status.
    """

    status: int = 0


class HttpStatusError(NfcError):
    """The host refused the transfer.

    Attributes:
        status: The HTTP status.
    """

    status: int = 0


class StallError(NfcError, TimeoutError):
    """No data, or next to none, moved for ``timeout`` seconds."""

    retryable = True
    remedy: _Remedy = "retry"


class CallTimeoutError(NfcError, TimeoutError):
    """A vSphere call was not answered in time."""

    retryable = True
    remedy: _Remedy = "retry"


class TruncatedError(NfcError):
    """The stream ended before its proper end."""

    retryable = True
    remedy: _Remedy = "retry"


class ProtocolError(NfcError):
    """The server said something that its protocol does not allow."""


class LimitExceededError(ProtocolError):
    """The server sent more than any honest answer needs.

    Attributes:
        limit: What was exceeded.
        allowed: The limit.
        seen: How much there was.
    """

    limit: str = ""
    allowed: int = 0
    seen: int = 0


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
    remedy: _Remedy = "retry"

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
    remedy: _Remedy = "retry"

    expected: int = 0
    actual: int = 0


class SourceChangedError(IntegrityError):
    """A file was written to, or replaced by another, while it was read; its length is the same.

    ``SizeMismatchError`` says so where the length differs.
    """

    remedy: _Remedy = "fix_input"


class ManifestError(IntegrityError):
    """The lease manifest lacks an entry, and ``require_manifest`` is set.

    Or it lists other uploads and not this one, though the host took it.
    """

    remedy: _Remedy = "fix_input"


class MissingUploadError(IntegrityError):
    """A device or item of an import was sent nothing, and the import was about to complete."""

    remedy: _Remedy = "fix_input"


class DiskFormatError(IntegrityError):
    """A disk's stream is not a streamOptimized VMDK."""

    remedy: _Remedy = "fix_input"


class PackageError(NfcError, ValueError):
    """An OVF package, its descriptor or its manifest file is not what the format demands."""

    remedy: _Remedy = "fix_input"


class UnsafePathError(NfcError, ValueError):
    """A file name from a server or a package could leave the directory or hit another file."""

    remedy: _Remedy = "fix_input"


class NotFoundError(NfcError, LookupError):
    """The inventory has no such entity that this user can see.

    Attributes:
        name: What was looked for.
        candidates: Paths of those with a name near to it.
    """

    remedy: _Remedy = "fix_input"

    name: str = ""
    candidates: tuple[str, ...] = ()


class AmbiguousNameError(NfcError, LookupError):
    """More than one entity of the inventory has this name.

    Attributes:
        name: What was looked for.
        candidates: The paths of them all.
    """

    remedy: _Remedy = "fix_input"

    name: str = ""
    candidates: tuple[str, ...] = ()


class LeaseError(NfcError):
    """The lease itself failed.

    Attributes:
        fault: pyvmomi's fault object, when the server gave one. Its texts are escaped, and cut at
            4096 characters.
        fault_name: Its WSDL name, such as ``Timedout``.
    """

    remedy: _Remedy = "new_lease"

    fault: Any = None
    fault_name: str = ""


class AmbiguousLeaseError(LeaseError, ConnectionError):
    """The call that opens a lease had no answer, so that the server may hold one.

    It was not sent again: ``ExportVm``, ``ExportSnapshot``, ``ExportVApp`` and ``ImportVApp`` each
    open another lease. Of an import, the server removes the VM with the lease.

    Attributes:
        tasks: The tasks (``inventory.BlockingTask``) of leases that the session's user began since
            the call; empty where the server shows none, or where they could not be read.
            ``inventory.cancel_task`` ends one, and its lease with it. They are not pickled.
    """

    tasks: tuple[Any, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles without the tasks, which have a session."""
        kind, args, state = super().__reduce__()
        return kind, args, {key: value for key, value in state.items() if key != "tasks"}


class LeaseInitError(LeaseError):
    """The lease did not become ready."""


class LeaseLostError(LeaseError):
    """The lease ended while it was needed; unverified data was discarded."""


class SessionExpiredError(LeaseLostError):
    """The session is gone (``NotAuthenticated``); its leases went with it."""


class LeaseCompleteError(LeaseError):
    """``HttpNfcLeaseComplete`` failed."""


class LeaseStateError(LeaseError):
    """The lease is not in a state in which this can be done."""


class TransferCancelledError(NfcError):
    """The transfer was cancelled."""


class ForkError(NfcError, RuntimeError):
    """A lease of the parent process was used in a forked child."""

    remedy: _Remedy = "fix_input"


class JournalError(NfcError):
    """A fleet's journal cannot be read or written, or the file is not a journal.

    What was written before is kept.
    """


class JournalInUseError(JournalError):
    """Another driver has this journal open.

    Attributes:
        process: The process id of that driver; 0 where it does not say.
        host: The name of the machine on which it runs.
        since: When it opened the journal, in seconds since 1970.
    """

    process: int = 0
    since: float = 0.0


class InternalError(NfcError):
    """An invariant of nfclease did not hold; please report it."""


class ServerFaultReply(Exception):  # noqa: N818 - never seen by users
    """A server's fault on its way to pyvmomi's deserializer; not public."""

    fault_name: str = ""
    _fault_envelope: bytes = b""
