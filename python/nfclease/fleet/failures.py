"""Failures told apart: what to try again, what to try later, and what never passes by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from nfclease._text import LONGEST_MESSAGE as LONGEST
from nfclease._text import escaped, message
from nfclease.exceptions import LeaseError, NfcError
from nfclease.fleet._known import known_of
from nfclease.fleet._verdicts import ERRNOS, of_class, of_fault_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Self

    from nfclease.fleet._verdicts import Verdict

__all__ = ["Failure", "judge"]

#: What stands between an address and its host where a password is in it.
_PASSWORD = re.compile(r"(:/[^\s:@]*):[^\s/@]+@")
#: How pyvmomi says that a call had another HTTP status than 200 or 500.
_STATUS = re.compile(r"\s*(\d{3})\b")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed, as plain text that pickles.

    Attributes:
        verdict: ``again`` where the same job may work at once, on a new lease; ``later`` where
            something else has to end first, such as a task; ``never`` where a person has to change
            something.
        reason: One line for people, at most 500 characters, escaped.
        error: The class: ``LeaseLostError``, ``vim.fault.NoPermission``.
        task: The task that holds the VM: its id and what it does; empty where none is known.
        phase: Which step of a transfer failed, as ``NfcError.phase``; empty outside a transfer.
        disk_key: ``DeviceUrl.key`` of its device.
        file: The device's file.
        host: The host that has it.
        bytes_done: Bytes that had moved in the last attempt of that transfer.
        attempts: How many times that transfer was started; the attempts of the whole job are in its
            ``Outcome``.
        lease_outcome: What became of the lease, as ``NfcError.lease_outcome``; empty where none was
            at work.
        files_left: Partial files that could not be removed, by their paths.

    Examples:
        >>> from nfclease.fleet import Failure
        >>> Failure("later", "the VM is held", "BlockedError", "task-12").verdict
        'later'
    """

    verdict: Verdict
    reason: str
    error: str
    task: str = ""
    phase: str = ""
    disk_key: str = ""
    file: str = ""
    host: str = ""
    bytes_done: int = 0
    attempts: int = 0
    lease_outcome: str = ""
    files_left: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What ``dataclasses.asdict`` gave; an older journal has fewer of them.

        Args:
            values: Such a dict.

        Returns:
            An equal failure.

        Raises:
            TypeError: A key is missing or unknown, or a value is of another type.

        Examples:
            >>> from nfclease.fleet import Failure
            >>> old = {"verdict": "later", "reason": "the VM is held", "error": "BlockedError"}
            >>> Failure.from_dict(old).files_left
            ()
        """
        return cls(**{**values, "files_left": tuple(values.get("files_left", ()))})


def judge(error: BaseException) -> Failure:
    """Says what may help against an error that ended a job.

    Errors of nfclease are judged by ``remedy``, faults of vSphere and errors of Python by their
    class, those of executors by name: ``BrokenExecutor`` of ``concurrent.futures``,
    ``KilledWorker`` of Dask and so on. An unknown error is ``never``, since another try may do
    harm. It makes no call and raises nothing, whatever the error's own methods do.

    Args:
        error: What was raised.

    Returns:
        The verdict, and the reason in one line.

    Examples:
        >>> from nfclease import LeaseLostError
        >>> from nfclease.fleet import judge
        >>> judge(LeaseLostError("the lease of vm-12 timed out")).verdict
        'again'
        >>> judge(PermissionError(13, "Permission denied", "/backup")).reason
        "PermissionError: [Errno 13] Permission denied: '/backup'"
    """
    name = _short(type(error).__name__)
    reason = _reason(error, name)
    about = known_of(error)
    if left := about.get("files_left"):
        shown = ", ".join(escaped(path, 150) for path in left)
        reason = message(f"{reason}; left behind, incomplete: {shown}")
    return Failure(_verdict(error), reason, name, _task(error), **about)


def placed(failure: Failure, address: str) -> Failure:
    """The same, with the server that it is about in front of the reason."""
    return replace(failure, reason=message(f"{address}: {failure.reason}"))


def _verdict(error: BaseException) -> Verdict:
    if isinstance(error, NfcError):
        return _of_ours(error)
    listed = of_class(type(error))
    if listed is not None and (status := _status(error)):
        return "again" if status in (502, 503, 504) else "never"
    if listed is None and isinstance(error, OSError):
        return _of_errno(error)
    return listed or "never"


def _of_ours(error: NfcError) -> Verdict:
    """A fault inside says more than the class of the error around it."""
    if of_class(type(error)) == "later":
        return "later"  # BlockedError, which is a TaskInProgress
    if isinstance(error, LeaseError):
        inside = _of_fault(error)
        if inside is not None:
            return inside
    return "again" if error.remedy in ("retry", "new_lease") else "never"


def _of_fault(error: LeaseError) -> Verdict | None:
    """That of the server's fault, whose name alone comes from another process."""
    if error.fault is not None:
        return of_class(type(error.fault))
    name = error.fault_name
    return of_fault_name(name) if isinstance(name, str) and name else None


def _of_errno(error: OSError) -> Verdict:
    import socket

    if isinstance(error, socket.gaierror):
        return "again" if error.errno == socket.EAI_AGAIN else "never"
    return ERRNOS.get(error.errno or 0, "never")


def _status(error: BaseException) -> int:
    """The HTTP status that pyvmomi puts into an ``HTTPException``; 0 of all else."""
    if not any(each.__name__ == "HTTPException" for each in type(error).__mro__):
        return 0
    found = _STATUS.match(_said(error))
    return int(found[1]) if found else 0


def _reason(error: BaseException, name: str) -> str:
    text = _said(error)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if name.startswith(("vim.", "vmodl.")):
        fault = name.rpartition(".")[2]
        said = f"the server refused: {first} ({fault}{_privilege(error)})" if first else name
        first = f"{said}{_power(error)}"
    elif not isinstance(error, NfcError):
        first = f"{name}: {first}" if first else name
    return _short(_PASSWORD.sub(r"\1:...@", first[: 4 * LONGEST]))


def _short(text: str) -> str:
    """Escaped and cut: what is escaped gets longer."""
    shown = escaped(text, 4 * LONGEST)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."


def _said(error: BaseException) -> str:
    """Its message; a fault's own where it has one, since its ``str`` is a dump of all fields."""
    try:
        if isinstance(error, NfcError):
            return str(error)
        message: Any = getattr(error, "msg", None)
        if isinstance(message, str) or type(error).__name__.startswith(("vim.", "vmodl.")):
            return message if isinstance(message, str) else ""
        return str(error)
    except Exception:  # somebody's own method: it must not take the place of the error
        return ""


def _privilege(error: BaseException) -> str:
    """Which one is missing, where a ``NoPermission`` says it."""
    privilege = getattr(error, "privilegeId", None)
    entity = getattr(getattr(error, "object", None), "_moId", None)
    if not isinstance(privilege, str):
        return ""
    return f", {privilege} on {entity}" if isinstance(entity, str) else f", {privilege}"


def _power(error: BaseException) -> str:
    """What to do about a VM that runs, where an ``InvalidPowerState`` says that it does."""
    runs = getattr(error, "existingState", None) == "poweredOn"
    return "; export a snapshot of it, or switch it off" if runs else ""


def _task(error: BaseException) -> str:
    """The task that holds the VM, as a ``BlockedError`` or the server's fault says it."""
    try:
        tasks: Any = getattr(error, "tasks", ())
        if isinstance(error, NfcError) and tasks:
            return _short(str(tasks[0]))
        moid = getattr(getattr(error, "task", None), "_moId", None)
        return _short(moid) if isinstance(moid, str) else ""
    except Exception:
        return ""
