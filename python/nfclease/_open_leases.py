"""The leases that this process holds, and their ends by others than their blocks."""

from __future__ import annotations

import time
import warnings
from contextvars import ContextVar
from functools import partial
from weakref import WeakValueDictionary

from nfclease import _core
from nfclease._backends.blocking import refuse_in_coroutine
from nfclease._log import extra, logger
from nfclease._pyvmomi.session import soap_stub

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from nfclease._lease_core import LeaseCore

#: Seconds that the interpreter's exit waits for Aborts.
_EXIT_TIMEOUT = 8.0
#: Seconds that a Logout waits for them.
_LOGOUT_TIMEOUT = 8.0

#: By identity: two objects of one lease are equal, and a set would keep one.
_open: WeakValueDictionary[int, LeaseCore] = WeakValueDictionary()

#: Whoever sets it finds the leases again that are opened in this context: `opened_for`.
opener: ContextVar[object] = ContextVar("opener", default=None)


def add(lease: LeaseCore) -> None:
    """Keeps in mind that this object holds its lease."""
    lease.opener = opener.get()
    _open[id(lease)] = lease


def opened_for(who: object) -> list[LeaseCore]:
    """The leases of an `opener` that are held here and ready; no call."""
    mine = [lease for lease in list(_open.values()) if lease.opener is who]
    return [lease for lease in mine if lease.native.is_held() and lease.native.vm()]


def is_held_beside(plain: Any, mine: LeaseCore | None = None) -> bool:
    """Whether another object holds the same lease, as of a notebook's cell that is run again."""
    return any(
        other is not mine and other.plain == plain and other.native.is_held()
        for other in list(_open.values())
    )


def cancel_all(timeout: float = 10.0) -> None:
    """Ends every lease of this process: transfers stop, and each lease gets one Abort.

    For a script that is to stop while other threads work with leases. Their calls come back at once
    with ``TransferCancelledError``, and so does the end of their blocks. A lease that is opened
    later is not concerned.

    Args:
        timeout: Seconds to wait for the Aborts, which go on after them.

    Raises:
        RuntimeError: A coroutine called; it would block its event loop.

    Examples:
        >>> import nfclease
        >>> nfclease.cancel_all()
    """
    refuse_in_coroutine("cancel_all", "cancel the tasks that have the leases")
    _abort_all("cancel_all() was called", "cancelled", timeout)


def abort_at_logout(soap: Any) -> None:
    """Aborts the leases of a session that is about to log out."""
    _abort_all("the session logs out", "session", _LOGOUT_TIMEOUT, partial(_is_of, soap))


def cancel_of_session(stub: Any, reason: str, timeout: float) -> None:
    """Ends the leases of one session, as ``cancel_all`` ends all."""
    _abort_all(reason, "cancelled", timeout, partial(_is_of, soap_stub(stub)))


def is_of_session(lease: LeaseCore, stub: Any) -> bool:
    """Whether a lease is one of this session."""
    return _is_of(soap_stub(stub), lease)


def vms_of_session(stub: Any) -> list[str]:
    """The moIds of what the leases of a session hold here that are ready; no call."""
    soap = soap_stub(stub)
    held = [lease for lease in list(_open.values()) if lease.native.is_held()]
    return [vm for lease in held if (vm := lease.native.vm()) and _is_of(soap, lease)]


def _is_of(soap: Any, lease: LeaseCore) -> bool:
    other = soap_stub(lease.stub)
    return other is soap or (other.host, other.cookie) == (soap.host, soap.cookie)


def abort_at_exit() -> None:
    """Aborts what is held still; the package has it called when the interpreter exits."""
    kept: list[str] = []
    until = time.monotonic() + _EXIT_TIMEOUT
    try:
        kept += _abort_all("the Python interpreter exits", None, _EXIT_TIMEOUT)
    finally:
        kept += _core.finish_at_exit(max(0.0, until - time.monotonic()))
    for moid in dict.fromkeys(kept):
        text = f"lease {moid} could not be aborted; the server holds it until its leaseTimeout"
        warnings.warn(text, RuntimeWarning, stacklevel=3)  # shown, whatever is logged


def _abort_all(
    reason: str,
    cause: Literal["session", "cancelled"] | None,
    seconds: float,
    which: Callable[[LeaseCore], bool] = lambda _: True,
) -> list[str]:
    """Aborts leases that are open, all at once, and waits for what is under way already.

    Returns:
        Those that the server may hold after this.
    """
    until = time.monotonic() + seconds
    works: list[tuple[str, _core.Work]] = []
    for lease in list(_open.values()):
        if lease.native.is_open() and which(lease):
            if lease.native.is_held():
                vm = lease.native.vm()
                label = f"lease {lease.moid} of {vm}" if vm else f"lease {lease.moid}"
                place = extra(lease.moid, vm)
                logger().warning("%s: %s; it is aborted", label, reason, extra=place)
            works.append((lease.moid, lease.native.abort(reason, cause)))
    outcomes = [(moid, work.wait(max(0.0, until - time.monotonic()))) for moid, work in works]
    return [moid for moid, outcome in outcomes if outcome in (None, "abort_failed")]
