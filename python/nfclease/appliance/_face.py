"""The two faces of a whole job: what it does beside transfers, for each way to wait.

A job is one coroutine over a :class:`Face`. ``run`` drives it over :class:`BlockingFace`, and an
event loop over :class:`AsyncioFace`.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial

from nfclease._backends.base import CLEANUP_TIMEOUT, INTERVAL
from nfclease._backends.blocking import BLOCKING, run
from nfclease._operations.asked import asked
from nfclease.appliance._making import Making
from nfclease.appliance._threads import Thread, cleaning
from nfclease.exceptions import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any, Protocol, TypeVar

    from pyVmomi import vim

    from nfclease._backends.base import Backend
    from nfclease._lease_core import LeaseCore
    from nfclease.lease import HttpNfcLease

    _T = TypeVar("_T")

    class Face(Protocol):
        """What a job may wait for. Functions that it takes block, and make calls of pyvmomi."""

        #: What the operations of a lease wait over.
        @property
        def backend(self) -> Backend: ...

        async def call(self, call: Callable[[], _T]) -> _T:
            """What a call of pyvmomi returns. When it is broken off, nobody knows its outcome."""

        async def in_thread(self, call: Callable[[], _T]) -> _T:
            """The same in a thread, which goes on when the wait for it is broken off."""

        async def pause(self, seconds: float) -> None:
            """Lets some seconds pass."""

        async def cleanup(
            self, call: Callable[[], object], cause: BaseException | None, seconds: float = ...
        ) -> None:
            """Makes a call in any case, and waits for it, however often the job is interrupted.

            It goes on behind when it takes longer. What it raises is logged. An interrupt meanwhile
            comes out after it.
            """


class BlockingFace:
    """Waits in the caller's own thread, which Ctrl-C ends."""

    backend: Backend = BLOCKING

    async def call(self, call: Callable[[], _T]) -> _T:
        return asked(call)

    async def in_thread(self, call: Callable[[], _T]) -> _T:
        thread = Thread(partial(asked, call))
        while not thread.ended.wait(INTERVAL):
            pass
        value: _T = thread.result()
        return value

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - who blocks has no loop

    async def cleanup(
        self,
        call: Callable[[], object],
        cause: BaseException | None,
        seconds: float = CLEANUP_TIMEOUT,
    ) -> None:
        interrupt, until = None, time.monotonic() + seconds
        thread = cleaning(call)
        while (left := until - time.monotonic()) > 0:
            try:
                if thread.ended.wait(min(left, INTERVAL)):
                    break
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt


class AsyncioFace:
    """Awaits in the running event loop."""

    def __init__(self) -> None:
        from nfclease._backends.asyncio import Asyncio
        from nfclease._pyvmomi.session import request_context

        self.backend: Asyncio = Asyncio(request_context)

    async def call(self, call: Callable[[], _T]) -> _T:
        return await self.backend.for_call(partial(asked, call))

    in_thread = call

    async def pause(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def cleanup(
        self,
        call: Callable[[], object],
        cause: BaseException | None,
        seconds: float = CLEANUP_TIMEOUT,
    ) -> None:
        from nfclease._backends.asyncio import in_thread, undisturbed
        from nfclease._pyvmomi.session import request_context

        thread = cleaning(call)
        if not self.backend.may_wait(cause):
            return
        import asyncio

        task = asyncio.ensure_future(in_thread(thread.ended.wait, request_context))
        try:
            await undisturbed([task], time.monotonic() + seconds)
        finally:
            with suppress(RuntimeError):  # the loop is closed
                task.cancel()


def _lease_of(call: Callable[[], Any]) -> vim.HttpNfcLease:
    """What the call answers, which has to be a lease."""
    from pyVmomi import vim

    answer = call()
    if not isinstance(answer, vim.HttpNfcLease):
        raise ProtocolError(
            "the call that opens a lease was answered with something else; the server may hold a "
            "lease until it expires, in about five minutes"
        )
    return answer


class leased:  # noqa: N801 - used as a function
    """``async with`` it: opens a lease, gives what the operations know of it, and ends it.

    Its end is that of a lease's own block: Complete when all is well, else one Abort. When the wait
    for its opening is broken off, the lease that still comes is aborted.

    Args:
        face: How the job waits.
        call: What opens it, such as ``vm.ExportVm``.
        options: The keywords of ``HttpNfcLease``; wrong ones are refused here, before any call.
    """

    def __init__(
        self, face: Face, call: Callable[[], vim.HttpNfcLease], options: Mapping[str, object]
    ) -> None:
        # A job on files alone needs none of pyvmomi, which takes a tenth of a second to load.
        from nfclease._opening import opener

        self._face = face
        self._open = opener(partial(_lease_of, call), options)
        self._lease: HttpNfcLease | None = None

    async def __aenter__(self) -> LeaseCore:
        from nfclease._operations import ending

        def undo(lease: HttpNfcLease, cause: BaseException | None) -> None:
            run(ending.abort(lease._nfc_shared, BLOCKING, cause))

        self._lease = await made(self._face, self._open, undo)
        return self._lease._nfc_shared

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        cause: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        from nfclease._operations import ending

        if self._lease is not None:
            await ending.exit_block(self._lease._nfc_shared, self._face.backend, cause)


async def made(
    face: Face, call: Callable[[], _T], undo: Callable[[_T, BaseException | None], object]
) -> _T:
    """What a call makes on the server. When the wait is broken off, it is undone once it is there.

    Args:
        face: How the job waits.
        call: Makes it.
        undo: Takes it back; gets it, and why. Both run in a thread.
    """
    making = Making(call, undo)
    try:
        return await face.in_thread(making.run)
    except BaseException as error:
        if not making.is_nothing():
            await face.cleanup(partial(making.leave, error), error)
        raise


async def task_result(face: Face, task: Any, *, cancels: bool = False) -> Any:
    """Waits for a ``vim.Task``.

    Args:
        face: How the job waits.
        task: The task.
        cancels: Whether the task is cancelled (``CancelTask``) when the wait is broken off.

    Returns:
        ``TaskInfo.result``.

    Raises:
        vmodl.MethodFault: The task's own error.
    """
    try:
        seconds = 0.05
        while (info := await face.call(lambda: task.info)).state not in ("success", "error"):
            await face.pause(seconds)
            seconds = min(seconds * 1.5, 1.0)
    except BaseException as error:
        if cancels:
            await face.cleanup(task.CancelTask, error)
        raise
    if info.state == "error":
        raise info.error
    return info.result
