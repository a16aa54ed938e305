"""The leases that this process holds, and their ends by others than their blocks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakValueDictionary

from nfclease._backends.blocking import refuse_in_coroutine
from nfclease._log import logger
from nfclease._naming import extra

if TYPE_CHECKING:
    from collections.abc import Callable

    from nfclease import _core
    from nfclease.lease import HttpNfcLease

#: By identity: two objects of one lease are equal, and a set would keep one.
_open: WeakValueDictionary[int, HttpNfcLease] = WeakValueDictionary()


def add(lease: HttpNfcLease) -> None:
    """Keeps in mind that this object holds its lease."""
    _open[id(lease)] = lease


def is_held_beside(lease: Any) -> bool:
    """Whether another object holds the same lease, as of a notebook's cell that is run again."""
    return any(
        other is not lease and other == lease and other._nfc_core.is_held()
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
    end_all("cancel_all() was called", "cancelled", timeout)


def end_all(
    reason: str,
    told: Literal["", "session", "cancelled"],
    seconds: float,
    which: Callable[[HttpNfcLease], bool] = lambda _: True,
) -> list[str]:
    """Aborts leases that are open, all at once, and waits for what is under way already.

    Returns:
        Those that the server may hold after this.
    """
    until = time.monotonic() + seconds
    works: list[tuple[str, _core.Work]] = []
    for lease in list(_open.values()):
        if lease._nfc_core.is_open() and which(lease):
            if lease._nfc_core.is_held():
                vm = lease._nfc_core.vm()
                place = extra(lease._moId, vm)
                label = f"lease {lease._moId} of {vm}" if vm else f"lease {lease._moId}"
                logger().warning("%s: %s; it is aborted", label, reason, extra=place)
            works.append((lease._moId, lease._nfc_core.give_up(reason, told)))
    outcomes = [(moid, work.wait(max(0.0, until - time.monotonic()))) for moid, work in works]
    return [moid for moid, outcome in outcomes if outcome in (None, "abort_failed")]
