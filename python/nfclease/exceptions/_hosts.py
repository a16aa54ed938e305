"""Errors of a host or a vCenter: its connection, its answer, and how fast it moves bytes."""

from __future__ import annotations

from nfclease.exceptions._base import NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.exceptions._base import Remedy

__all__ = [
    "CallTimeoutError",
    "ConnectError",
    "HttpStatusError",
    "InsecureUrlError",
    "LimitExceededError",
    "ProtocolError",
    "StallError",
    "ThumbprintMismatchError",
    "TlsError",
    "TruncatedError",
    "UnexpectedRedirectError",
]


class ConnectError(NfcError, ConnectionError):
    """No connection to the host, or it broke before an answer came."""

    retryable = True
    remedy: Remedy = "retry"


class TlsError(NfcError, ConnectionError):
    """The TLS handshake failed; nothing was sent."""

    remedy: Remedy = "fix_input"


class ThumbprintMismatchError(TlsError):
    """The host's certificate is not the one that the lease or the session pins.

    Attributes:
        expected: The pinned thumbprint, lower-case hex.
        actual: The certificate's thumbprint under the same digest.
    """

    remedy: Remedy = "none"

    expected: str = ""
    actual: str = ""


class InsecureUrlError(NfcError, ValueError):
    """The server gave an ``http://`` data URL to an ``https`` session."""

    remedy: Remedy = "fix_input"


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
    remedy: Remedy = "retry"


class CallTimeoutError(NfcError, TimeoutError):
    """A vSphere call was not answered in time."""

    retryable = True
    remedy: Remedy = "retry"


class TruncatedError(NfcError):
    """The stream ended before its proper end."""

    retryable = True
    remedy: Remedy = "retry"


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
