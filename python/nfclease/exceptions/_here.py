"""Errors of this side: what was asked for, the process, the journal, nfclease itself."""

from __future__ import annotations

from nfclease.exceptions._base import NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.exceptions._base import Remedy

__all__ = [
    "AmbiguousNameError",
    "ForkError",
    "InternalError",
    "JournalError",
    "JournalInUseError",
    "NotFoundError",
    "TransferCancelledError",
]


class NotFoundError(NfcError, LookupError):
    """The inventory has no such entity that this user can see.

    Attributes:
        name: What was looked for.
        candidates: Paths of those with a name near to it.
    """

    remedy: Remedy = "fix_input"

    name: str = ""
    candidates: tuple[str, ...] = ()


class AmbiguousNameError(NfcError, LookupError):
    """More than one entity of the inventory has this name.

    Attributes:
        name: What was looked for.
        candidates: The paths of them all.
    """

    remedy: Remedy = "fix_input"

    name: str = ""
    candidates: tuple[str, ...] = ()


class TransferCancelledError(NfcError):
    """The transfer was cancelled."""


class ForkError(NfcError, RuntimeError):
    """A lease of the parent process was used in a forked child."""

    remedy: Remedy = "fix_input"


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
