"""A constructor that fails: nobody but it has the lease that ``ExportVm()`` just gave."""

from __future__ import annotations

import functools
import threading

from pyVmomi import vim, vmodl

from nfclease import _open_leases
from nfclease._log import extra, logger
from nfclease._notes import add_note
from nfclease._pyvmomi.session import request_context
from nfclease._text import reason_of, replaced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from nfclease import _core

    _F = TypeVar("_F", bound=Callable[..., None])

#: Seconds that an Abort may take before the constructor's error goes on; it goes on behind it.
_ABORT_TIMEOUT = 10.0


def aborts_when_refused(init: _F) -> _F:
    """Makes an ``__init__`` that fails, at its arguments already, end in one Abort.

    A lease that was named by its moId is left alone: the caller still has that name.
    """

    @functools.wraps(init)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except BaseException as error:
            lease = args[0] if args else kwargs.get("lease")
            if not getattr(error, "lease_outcome", ""):  # of a constructor within this one
                _abort(self.__dict__.get("_nfc_core"), lease, error)
            raise

    return made  # type: ignore[return-value]


def _abort(core: _core.Lease | None, lease: Any, error: BaseException) -> None:
    if core is not None:  # the core has it already, and ends it once
        core.abort(reason_of(error)).wait(_ABORT_TIMEOUT)
    elif type(lease) is vim.HttpNfcLease and lease._stub is not None:
        if _open_leases.is_held_beside(lease):
            return
        failed = _abort_in_time(lease, reason_of(error))
        error.lease_outcome = "abort_failed" if failed else "aborted"  # type: ignore[attr-defined]
        if failed:
            _tell(lease, error, failed)


def _abort_in_time(lease: Any, reason: str) -> str:
    """One Abort over the user's own stub; why it failed, empty when it did not."""
    failed = [f"no answer within {_ABORT_TIMEOUT:.0f} s"]
    request = request_context()
    # XML carries no control character, and an Abort that no server understands ends nothing.
    reason = replaced(reason)

    def send() -> None:
        try:
            request()
            lease.HttpNfcLeaseAbort(vmodl.fault.SystemError(msg=reason, reason=reason))
            failed[:] = []
        except BaseException as error:
            failed[:] = [reason_of(error)]

    thread = threading.Thread(target=send, name="nfclease-abort", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread is left, which may be why the constructor failed
        send()
    else:
        thread.join(_ABORT_TIMEOUT)
    return failed[0] if failed else ""


def _tell(lease: Any, error: BaseException, failed: str) -> None:
    text = (
        f"lease {lease._moId} could not be aborted either: {failed}; "
        "the server holds it until its leaseTimeout has passed"
    )
    logger().error("%s", text, extra=extra(lease._moId))
    add_note(error, text)
