"""Errors of a lease, and a server's fault on its way to pyvmomi."""

from __future__ import annotations

from nfclease.exceptions._base import NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.exceptions._base import Remedy

__all__ = [
    "AmbiguousLeaseError",
    "LeaseCompleteError",
    "LeaseError",
    "LeaseInitError",
    "LeaseLostError",
    "LeaseStateError",
    "ServerFaultReply",
    "SessionExpiredError",
]


class LeaseError(NfcError):
    """The lease itself failed.

    Attributes:
        fault: pyvmomi's fault object, when the server gave one. Its texts are escaped, and cut at
            4096 characters.
        fault_name: Its WSDL name, such as ``Timedout``.
    """

    remedy: Remedy = "new_lease"

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


class ServerFaultReply(Exception):  # noqa: N818 - never seen by users
    """A server's fault on its way to pyvmomi's deserializer; not public."""

    fault_name: str = ""
    _fault_envelope: bytes = b""
