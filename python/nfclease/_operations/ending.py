"""The ways out of a lease: the end of its block, an Abort, and handing it on."""

from __future__ import annotations

from contextlib import suppress

from pyVmomi import vim

from nfclease._backends.base import CLEANUP_TIMEOUT
from nfclease._log import calls, extra
from nfclease._notes import note_ending, say_left_over
from nfclease._text import reason_of
from nfclease._tracking import STOP_TIMEOUT
from nfclease.exceptions import ForkError, NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease._backends.base import Backend
    from nfclease._lease_core import LeaseCore


async def exit_block(lease: LeaseCore, backend: Backend, cause: BaseException | None) -> None:
    """The end of the ``with`` block: Complete when all is well, else Abort."""
    if cause is not None:
        with suppress(ForkError):  # the lease is the parent's, the error is the child's own
            await abort(lease, backend, cause)
        return
    try:
        _raise_unobserved(lease)
        with lease.faults():
            await backend.for_work(lease.native_now().complete())
        _said(lease, "Complete", "done")
    except BaseException as error:
        broken = (tracked.unobserved() for tracked in lease.transfers)
        cause = next(filter(None, broken), error)
        await abort(lease, backend, cause)
        raise cause from error.__cause__


async def detach(lease: LeaseCore, backend: Backend) -> Any:
    """The plain lease, which is somebody else's from here on."""
    _raise_unobserved(lease)
    with lease.faults():
        await backend.for_work(lease.native_now().detach())
    return vim.HttpNfcLease(lease.moid, lease.stub, lease.server_guid)


async def abort(lease: LeaseCore, backend: Backend, cause: BaseException | None) -> None:
    """Stops transfers, cleans up, and sends one Abort with this cause while the lease is held."""
    reason = "closed without Complete" if cause is None else reason_of(cause)
    native = lease.native_now()
    state = native.phase()
    waited = STOP_TIMEOUT if any(tracked.is_stuck() for tracked in lease.transfers) else 0.0
    if not backend.may_wait(cause):
        native.abort_in_background(reason)
        _said(lease, "Abort", "in the background")
        return
    work = native.abort(reason)
    outcome = await backend.for_cleanup(work, CLEANUP_TIMEOUT - waited) or "abort_failed"
    _said(lease, "Abort", outcome)
    if isinstance(cause, (NfcError, OSError)):
        cause.lease_state = state  # type: ignore[union-attr]
        cause.lease_outcome = outcome  # type: ignore[union-attr]
        note_ending(cause, outcome, lease.moid)
        if outcome == "lost" and native.is_import():
            say_left_over(cause, native.vm())


def _raise_unobserved(lease: LeaseCore) -> None:
    """Raises a failure that a task was given and did not look at."""
    for tracked in lease.transfers:
        tracked.raise_unobserved()


def _said(lease: LeaseCore, call: str, outcome: str) -> None:
    place = extra(lease.moid, lease.native.vm())
    calls().debug("HttpNfcLease%s of %s: %s", call, lease.moid, outcome, extra=place)
