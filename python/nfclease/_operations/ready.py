"""Waiting for a lease, and reading what it then says."""

from __future__ import annotations

from contextlib import suppress

from pyVmomi import vim, vmodl

from nfclease._log import calls, extra
from nfclease._operations.asked import answered
from nfclease._text import replaced
from nfclease.exceptions import (
    LeaseInitError,
    LeaseLostError,
    NfcError,
    ProtocolError,
    SessionExpiredError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease._backends.base import Backend
    from nfclease._lease_core import LeaseCore

#: Seconds that a lease gets to become ready, where nobody says how many.
READY_TIMEOUT = 300.0


async def wait_ready(lease: LeaseCore, backend: Backend, timeout: float = READY_TIMEOUT) -> Any:
    """``HttpNfcLease.info`` of a lease that is ready."""
    native = lease.native_now()
    try:
        with lease.faults():
            await backend.for_work(native.wait_ready(timeout))
            info = await _read_info(lease, backend)
            if info is None:  # it has ended meanwhile: the core is to say why
                await backend.for_call(native.refresh)
                await backend.for_work(native.wait_ready(timeout))
    except LeaseInitError as error:
        if error.fault is None and error.fault_name:
            with suppress(Exception):  # no fault is better than another error
                error.fault = await backend.for_call(lambda: lease.shown(lease.plain.error))
        raise
    if info is None:
        raise LeaseInitError("the server says ready but gives no info; try again with a new lease")
    place = extra(lease.moid, native.vm())
    calls().debug("%s is ready: %d devices", lease.moid, len(info.deviceUrl), extra=place)
    return info


async def ready_info(lease: LeaseCore, backend: Backend) -> Any:
    """The same, without waiting where it is ready already."""
    info = await _read_info(lease, backend)
    return info or await wait_ready(lease, backend)


async def _read_info(lease: LeaseCore, backend: Backend) -> Any:
    """``HttpNfcLease.info`` as pyvmomi reads it; what goes wrong with it is raised as ours is."""
    try:
        return await backend.for_call(lambda: answered(lambda: lease.plain.info))
    except NfcError:
        raise
    except (vim.fault.NotAuthenticated, vmodl.fault.ManagedObjectNotFound) as fault:
        await backend.for_call(lease.native_now().refresh)  # what runs is to end as well
        raise _lost(lease.shown(fault)) from fault
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"HttpNfcLease.info: pyvmomi cannot read what the server sent ({error})"
        raise ProtocolError(f"{replaced(text)}; a newer pyvmomi may know it") from None


def _lost(fault: Any) -> LeaseLostError:
    """The lease's end for a fault that means it."""
    name = type(fault).__name__.rpartition(".")[2]
    text = replaced(fault.msg or name)
    error = LeaseLostError(f"the lease is lost: {text}; start again with a new lease")
    if isinstance(fault, vim.fault.NotAuthenticated):
        hint = "log in again and open a new lease"
        error = SessionExpiredError(f"the session is gone (NotAuthenticated): {text}; {hint}")
    error.fault, error.fault_name = fault, name
    return error
