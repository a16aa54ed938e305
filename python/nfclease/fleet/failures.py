"""What a failure means for the next step: again, later or never."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease._text import escaped
from nfclease.exceptions import InternalError, NfcError, TlsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    #: ``again``: another attempt may work; ``later``: once something else has passed; ``never``: a
    #: person has to change something.
    Verdict: TypeAlias = Literal["again", "later", "never"]

__all__ = ["Failure", "judge"]

#: The most characters of a reason.
_LONGEST = 500
#: By name, since they belong to vSphere, or to an executor that may not be installed.
_LATER = {"BlockedError", "TaskInProgress", "InvalidState", "ResourceInUse"}
_AGAIN = {"NotAuthenticated", "HostCommunication", "HostNotConnected", "HostConnectFault"}
_AGAIN |= {"BrokenProcessPool", "BrokenThreadPool", "KilledWorker", "Timedout"}


@dataclass(frozen=True)
class Failure:
    """Why a job failed, and what that means for the next step.

    Attributes:
        verdict: ``again``, ``later`` or ``never``.
        reason: One plain sentence for people.
        error: The class of the error, such as ``LeaseLostError``.
        task: The task that holds the VM; empty where none does.

    Examples:
        >>> from nfclease.fleet import judge
        >>> judge(ConnectionResetError("the host went away")).verdict
        'again'
    """

    verdict: Verdict
    reason: str
    error: str
    task: str = ""


def judge(error: BaseException) -> Failure:
    """What an error of a job means for the next step.

    Args:
        error: What ``export_vm``, ``import_vapp`` or an executor raised.

    Examples:
        >>> from nfclease import LeaseLostError
        >>> from nfclease.fleet import judge
        >>> judge(LeaseLostError("the lease ended")).verdict
        'again'
    """
    message = getattr(error, "msg", None) if not isinstance(error, NfcError) else None
    reason = escaped(str(message or error) or type(error).__name__, _LONGEST - 3)
    names = {kind.__name__.rpartition(".")[2] for kind in type(error).__mro__}
    tasks = getattr(error, "tasks", ())
    return Failure(_verdict(error, names), reason, type(error).__name__, "; ".join(map(str, tasks)))


def _verdict(error: BaseException, names: set[str]) -> Verdict:
    if names & _LATER and "InvalidPowerState" not in names:  # it runs, which does not pass
        return "later"
    if names & _AGAIN:
        return "again"
    if isinstance(error, NfcError):
        again = error.remedy in ("retry", "new_lease") or getattr(error, "status", 0) == 503
        return "again" if again and not isinstance(error, (TlsError, InternalError)) else "never"
    return "again" if isinstance(error, (ConnectionError, TimeoutError)) else "never"
