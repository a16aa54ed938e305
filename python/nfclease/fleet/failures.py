"""Failures told apart: what to try again, what to try later, and what never passes by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from nfclease._text import escaped
from nfclease.exceptions import LeaseError, NfcError
from nfclease.fleet._verdicts import ERRNOS, of_class, of_fault_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.fleet._verdicts import Verdict

__all__ = ["Failure", "judge"]

#: Characters of a reason.
LONGEST = 500
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

    Examples:
        >>> from nfclease.fleet import Failure
        >>> Failure("later", "the VM is held", "BlockedError", "task-12").verdict
        'later'
    """

    verdict: Verdict
    reason: str
    error: str
    task: str = ""


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
    return Failure(_verdict(error), _reason(error, name), name, _task(error))


def placed(failure: Failure, address: str) -> Failure:
    """The same, with the server that it is about in front of the reason."""
    return replace(failure, reason=_short(f"{address}: {failure.reason}"))


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
