"""A lease that is opened in a thread: it is ended, too, when nobody waits for it any more."""

from __future__ import annotations

import functools
import threading
import time
from contextlib import suppress

from nfclease._arguments import check_options
from nfclease._backends.asyncio import any_of, in_thread, undisturbed
from nfclease._backends.base import CLEANUP_TIMEOUT
from nfclease._operations import ending
from nfclease._pyvmomi.session import request_context
from nfclease.lease import HttpNfcLease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyVmomi import vim

    from nfclease._backends.asyncio import Asyncio


def opener(
    call: Callable[[], vim.HttpNfcLease], options: Mapping[str, object]
) -> Callable[[], HttpNfcLease]:
    """What opens a lease and wraps it; wrong options are an error before any is opened."""
    known = _defaults()
    for name in options.keys() - known.keys():
        raise TypeError(f"HttpNfcLease has no option {name!r}")
    check_options({**known, **options})
    return lambda: HttpNfcLease(call(), **options)  # type: ignore[arg-type]


@functools.cache
def _defaults() -> dict[str, object]:
    """Every option of a lease."""
    import inspect  # costs as much as half of the package

    parameters = inspect.signature(HttpNfcLease.__init__).parameters.values()
    return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}


class _Opening:
    """The call, and whether anybody still wants the lease that it brings."""

    def __init__(self, call: Callable[[], HttpNfcLease]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._wanted = True
        self._lease: HttpNfcLease | None = None

    def run(self) -> HttpNfcLease:
        """Makes the call, in a thread, and ends what nobody wants any more."""
        lease = self._call()
        with self._lock:
            self._lease = lease
            wanted = self._wanted
        if not wanted:
            lease.close()
        return lease

    def give_to_caller(self) -> HttpNfcLease | None:
        """The lease, which the caller has to abort; where it is not there yet, the thread does."""
        with self._lock:
            self._wanted = False
            return self._lease


async def opened(call: Callable[[], HttpNfcLease], backend: Asyncio) -> HttpNfcLease:
    """The lease. When the wait is broken off, it is aborted first, as soon as the call brings it.

    A call that brings none for a long time is left to its thread, which aborts it then.
    """
    import asyncio

    opening = _Opening(call)
    task = asyncio.ensure_future(in_thread(opening.run, request_context))
    try:
        await any_of([task])
    except BaseException as error:
        lease = opening.give_to_caller()
        if lease is not None:
            await ending.abort(lease._nfc_shared, backend, error)
        elif backend.may_wait(error):
            await undisturbed([task], time.monotonic() + CLEANUP_TIMEOUT)
        with suppress(RuntimeError):  # the loop is closed
            task.cancel()
        raise
    finally:
        if task.done() and not task.cancelled():
            task.exception()  # observed, or of a call that nobody waits for
    return task.result()
