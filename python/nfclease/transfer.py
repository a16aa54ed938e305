"""A running transfer and its result."""

from __future__ import annotations

import concurrent.futures
import threading
import weakref
from dataclasses import dataclass

from nfclease._backends import callbacks
from nfclease._backends.base import INTERVAL
from nfclease._backends.blocking import refuse_in_coroutine
from nfclease._display.html import size, table
from nfclease._meter import Meter
from nfclease.progress import TransferProgress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator
    from typing import Any, Literal

    from nfclease._lease_core import LeaseCore
    from nfclease._tracking import Tracked

    Future = concurrent.futures.Future["TransferResult"]
else:
    Future = concurrent.futures.Future

__all__ = ["Transfer", "TransferResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """A finished transfer.

    Attributes:
        key: ``DeviceUrl.key`` of the device.
        name: The device's ``targetId``, or the last part of its URL's path.
        bytes: Bytes of the stream.
        checksum: Their digest, lower-case hex.
        checksum_type: ``sha1`` or ``sha256``.
        verified: ``manifest`` when size and checksum equal the server's (``GetManifest``),
            ``stream`` when the server listed none. Of a download, framing, format and announced
            size were checked then; of an upload, the host said that it took all of it.
        seconds: From the first request to the last check.
        attempts: How many times it was started.
        path: The file that was written or read, as it was given; None for a file object and for
            bytes.
        file_checksum: The digest for a package's manifest file, lower-case hex, which was computed
            in the same pass; None where none was asked for.
        file_checksum_type: ``sha1``, ``sha256`` or ``sha512``, or None.
        capacity: Of a disk, the bytes that it can hold, as its header says; else None.
        populated_size: The bytes of it that are in its stream, in whole grains (OVF's
            ``populatedSize``); None where the stream could not be followed.

    Examples:
        >>> result = lease.download(device_url, directory / "disk")
        >>> (result.verified, result.path == str(directory / "disk"))
        ('manifest', True)
    """

    key: str
    name: str
    bytes: int
    checksum: str
    checksum_type: str
    verified: Literal["manifest", "stream"]
    seconds: float
    attempts: int
    path: str | None = None
    file_checksum: str | None = None
    file_checksum_type: str | None = None
    capacity: int | None = None
    populated_size: int | None = None

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "device": self.key,
            "bytes": f"{self.bytes:,}",
            self.checksum_type: self.checksum,
            "verified": self.verified,
            "seconds": f"{self.seconds:.2f}",
            "attempts": self.attempts,
        }
        return table(self.name, rows)


class Transfer(Future):
    """A transfer that runs in the background, and a ``concurrent.futures.Future`` of its result.

    Made by ``HttpNfcLease.start_download`` and ``HttpNfcLease.start_upload``. It goes on
    when this object is dropped; the lease waits for it at its end. It can be awaited, or given to
    ``concurrent.futures.wait`` and ``as_completed``. Unlike most futures, it can be cancelled
    while it runs.

    Examples:
        >>> transfer = lease.start_download(device_url, "disk-0.vmdk")
        >>> transfer.result(timeout=60).verified
        'manifest'
    """

    def __init__(self, tracked: Tracked, lease: LeaseCore) -> None:
        #: Whether its outcome is kept, since somebody may ask for it twice or is to be called.
        self._is_watched = False
        #: The outcome is fetched once, whoever asks first.
        self._keeping = threading.Lock()
        self._outcome: tuple[TransferResult | None, BaseException | None] | None = None
        super().__init__()
        #: What the lease keeps of it, and what was asked of it.
        self._tracked = tracked
        #: The way to its errors in the words of the lease.
        self._lease = lease
        #: The lease object: it is not dropped as long as its transfer is there.
        self._owner = lease.owner()
        #: Its rate, which is smoothed over the snapshots that are asked for.
        self._meter = Meter()
        #: As it was at the start: a forked child may ask for its progress, and no more.
        self._disk_capacity = lease.native.disk_capacity() or None

    @property
    def key(self) -> str:
        """``DeviceUrl.key`` of the device."""
        return self._tracked.key

    @property
    def name(self) -> str:
        """A ``FileItem``'s file; else the device's ``targetId``, or the end of its URL's path."""
        return self._tracked.name

    @property
    def progress(self) -> TransferProgress:
        """How far the transfer is; costs no call."""
        core = self._tracked.core
        done = core.done()  # before the counters, which are the last ones then
        bytes_done, bytes_total, attempts = core.progress()
        rate = self._meter.rate(bytes_done, waits=attempts == 0, done=done)
        left = None
        if bytes_total is not None and rate > 0:
            left = max(0, bytes_total - bytes_done) / rate
        return TransferProgress(
            name=self.name,
            key=self.key,
            bytes_done=bytes_done,
            bytes_total=bytes_total,
            attempts=attempts,
            rate=rate,
            seconds_left=left,
            disk_capacity=self._disk_capacity if bytes_total is None else None,
            done=done,
            failed=done and core.failed(),
        )

    def result(self, timeout: float | None = None) -> TransferResult:
        """Waits for the end.

        Args:
            timeout: Seconds to wait, or None for as long as it takes. The transfer goes on when
                they have passed.

        Returns:
            What moved, and how far it was verified.

        Raises:
            TimeoutError: The transfer has not ended yet.
            NfcError: The transfer failed; see ``nfclease.exceptions`` for each case.
            OSError: A local file could not be read or written.
            RuntimeError: It has not ended, and a coroutine called; await the transfer there.
        """
        self._wait("result", timeout)
        self._tracked.core.set_observed()
        return self._read()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits for the end, and gives the error that ``result`` would raise.

        That observes the error: the end of the lease's block does not raise it again.

        Args:
            timeout: As for ``result``.

        Returns:
            The error, or None when all is well.

        Raises:
            TransferCancelledError: It was cancelled.
            TimeoutError: The transfer has not ended yet.
            RuntimeError: It has not ended, and a coroutine called.
        """
        self._wait("exception", timeout)
        self._tracked.core.set_observed()
        self._tracked.broken_is_observed = True
        _, error = self._keep()
        if error is not None and self.cancelled():
            raise error
        return error

    def _wait(self, method: str, timeout: float | None) -> None:
        if not self.done():
            refuse_in_coroutine(method, "await the transfer")
        self._tracked.core.wait_end(timeout)
        if not self.done():
            raise TimeoutError(f"{self._tracked.name}: not done after {timeout} s; it goes on")

    def _read(self) -> TransferResult:
        """The outcome. An error is kept only where it must be, for it holds the caller's frames."""
        if self._is_watched or self._tracked.broken:
            self._tracked.broken_is_observed = True
            result, error = self._keep()
        else:
            result, error = self._fetch(), None
        try:
            if error is not None:
                raise error
        finally:
            del error  # else it and this frame would keep each other
        if result is None:
            raise RuntimeError("a transfer that has ended has an outcome")
        return result

    def _fetch(self) -> TransferResult | None:
        with self._lease.faults():
            row = self._tracked.core.peek()
        if row is None:
            return None
        count, checksum, checksum_type, verified, seconds, attempts, file_checksum, content = row
        capacity, populated_size = content or (None, None)
        return TransferResult(
            key=self.key,
            name=self.name,
            bytes=count,
            checksum=checksum,
            checksum_type=checksum_type,
            verified=verified,
            seconds=seconds,
            attempts=attempts,
            path=self._tracked.path,
            file_checksum=file_checksum or None,
            file_checksum_type=self._tracked.file_checksum_type,
            capacity=capacity,
            populated_size=populated_size,
        )

    def _keep(self) -> tuple[TransferResult | None, BaseException | None]:
        """The outcome, from now on kept as a future keeps it. That observes nothing."""
        with self._keeping:
            first = self._outcome is None
            if self._outcome is None:
                self._is_watched = True
                self._outcome = self._fetched()
            result, error = self._outcome
        if first and error is not None:
            self.set_exception(error)
        elif first:
            self.set_result(result)  # type: ignore[arg-type]
        return result, error

    def _fetched(self) -> tuple[TransferResult | None, BaseException | None]:
        if self._tracked.broken is not None:
            return None, self._tracked.broken
        try:
            return self._fetch(), None
        except BaseException as error:
            return None, error.with_traceback(None)

    @property
    def _condition(self) -> threading.Condition:
        """What ``wait`` and ``as_completed`` take first: from here on its end is announced."""
        if not self._is_watched:
            self._is_watched = True
            self._watch(weakref.ref(self))
        return self._own_condition

    @_condition.setter
    def _condition(self, condition: threading.Condition) -> None:
        self._own_condition = condition

    def _watch(self, get: Callable[[], Transfer | None]) -> None:
        if self.done():
            self._keep()
            return

        def keep() -> None:
            transfer = get()
            if transfer is not None:
                transfer._keep()

        callbacks.caller.call(self._tracked.core, keep)

    def add_done_callback(self, fn: Callable[[Transfer], object]) -> None:
        """Calls when the transfer has ended, well or not; at once when it has already.

        It is called in a thread of its own, in the order of addition. An exception of it is logged.
        It does not count as observing the outcome, unless it asks. Until then transfer and
        lease are kept.

        Args:
            fn: Gets this transfer.
        """
        self._is_watched = True
        self._watch(lambda: self)
        super().add_done_callback(fn)  # type: ignore[arg-type]

    def __await__(self) -> Generator[Any, None, TransferResult]:
        """Waits for the end in a running event loop; raises what ``result`` raises.

        Cancelling the wait cancels the transfer, as awaiting an ``asyncio.Task`` does; its partial
        file is removed first. ``asyncio.shield`` keeps it going. A failure that nobody observes,
        because the shield's caller gave up, is raised at the end of the lease's block.
        """
        return self._awaited().__await__()

    async def _awaited(self) -> TransferResult:
        import asyncio  # costs as much as the rest of the package

        from nfclease._backends.asyncio import (  # only where there is one
            any_of,
            undisturbed,
            watching,
        )

        with watching([self._tracked.core]) as ends:
            try:
                await any_of(ends)
            except asyncio.CancelledError:
                await undisturbed(ends, self._tracked.stop())
                raise
        return self._observe(in_task=True)

    def _observe(self, in_task: bool) -> TransferResult:
        """The outcome, for a caller that observes it at once, or for the running task."""
        if not in_task:
            return self.result()
        self._tracked.core.set_asked()
        try:
            return self._read()
        except BaseException as error:
            self._tracked.observers.add(error)
            raise

    async def __aiter__(self) -> AsyncIterator[TransferProgress]:
        """Yields how far it is, five times a second, until it has ended; raises nothing of it.

        Examples:
            >>> async def show(transfer):
            ...     async for snapshot in transfer:
            ...         print(snapshot.bytes_done)
            ...     return await transfer
        """
        from nfclease._backends.asyncio import any_of, watching

        with watching([self._tracked.core]) as ends:
            while not ends[0].done():
                yield self.progress
                await any_of(ends, INTERVAL)
            yield self.progress

    def done(self) -> bool:
        """Whether the transfer has ended, well or not."""
        return self._tracked.core.done()

    def running(self) -> bool:
        """Whether it has begun, and not ended; before, it waits for its turn."""
        return not self.done() and self.progress.attempts > 0

    def cancelled(self) -> bool:
        """Whether it has ended because it was cancelled."""
        return self._tracked.core.cancelled()

    def cancel(self) -> bool:
        """Asks the transfer to stop; ``result`` then raises TransferCancelledError.

        Returns:
            False when it has ended otherwise already.
        """
        if self.done():
            return self.cancelled()
        self._tracked.core.cancel()
        return True

    def _repr_html_(self) -> str:
        progress = self.progress
        rows: dict[str, object] = {
            "device": self._tracked.key,
            "state": "done" if self.done() else "running",
            "moved": size(progress.bytes_done),
            "of": size(progress.bytes_total),
            "attempts": progress.attempts,
        }
        return table(self._tracked.name, rows)

    def __repr__(self) -> str:
        state = "done" if self.done() else "running"
        return (
            f"<nfclease.Transfer {self._tracked.name!r} {state}, {self.progress.bytes_done} bytes>"
        )
