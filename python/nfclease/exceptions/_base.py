"""What every error of nfclease knows of itself."""

from __future__ import annotations

from nfclease._text import message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    Remedy: TypeAlias = Literal["retry", "new_lease", "fix_input", "none"]

__all__ = [
    "NfcError",
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
    remedy: Remedy = "none"
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
