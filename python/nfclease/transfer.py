"""A running transfer and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from nfclease._html import size, table
from nfclease._waiting import refuse_in_coroutine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator
    from contextlib import AbstractContextManager

    from nfclease._started import Started

__all__ = ["Transfer", "TransferProgress", "TransferResult"]

#: Seconds between two looks of ``async for``.
_SNAPSHOT_INTERVAL = 0.2


class TransferProgress(NamedTuple):
    """How far a transfer is.

    Attributes:
        bytes_done: Bytes moved in the current attempt; of an upload those that its connection was
            given, of which a few megabytes may still be on their way.
        bytes_total: Bytes in all, or None while the size is unknown, as it is for an exported
            disk until its end.
        attempts: Attempts started, 0 while the transfer waits for its turn.

    Examples:
        >>> from nfclease import TransferProgress
        >>> TransferProgress(bytes_done=1, bytes_total=None, attempts=1).bytes_done
        1
    """

    bytes_done: int
    bytes_total: int | None
    attempts: int


class TransferResult(NamedTuple):
    """A finished transfer.

    Attributes:
        key: ``DeviceUrl.key`` of the device.
        name: The device's ``targetId``, or the last part of its URL's path.
        bytes: Bytes of the stream.
        checksum: Their digest, lower-case hex.
        checksum_type: ``sha1`` or ``sha256``.
        verified: ``manifest`` when size and checksum equal the server's (``GetManifest``),
            ``stream`` when the server listed no entry and only framing, format and announced size
            were checked.
        seconds: From the first request to the last check.
        attempts: How many times it was started.

    Examples:
        >>> from nfclease import TransferResult
        >>> TransferResult("/vm-1/d:0", "disk-0.vmdk", 1, "aa", "sha1", "manifest", 0.5, 1).verified
        'manifest'
    """

    key: str
    name: str
    bytes: int
    checksum: str
    checksum_type: str
    verified: Literal["manifest", "stream"]
    seconds: float
    attempts: int

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


class Transfer:
    """A transfer that runs in the background.

    Made by ``HttpNfcLease.start_download`` and ``HttpNfcLease.start_upload``. It goes on
    when this object is dropped; the lease waits for it at its end. It can be awaited.

    Examples:
        >>> transfer = lease.start_download(device_url, "disk-0.vmdk")
        >>> transfer.result(timeout=60).verified
        'manifest'
    """

    def __init__(
        self,
        started: Started,
        key: str,
        faults: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._started = started
        self._core = started.core
        self._key = key
        self._name = started.name
        self._faults = faults

    @property
    def key(self) -> str:
        """``DeviceUrl.key`` of the device."""
        return self._key

    @property
    def name(self) -> str:
        """A ``FileItem``'s file; else the device's ``targetId``, or the end of its URL's path."""
        return self._name

    @property
    def progress(self) -> TransferProgress:
        """How far the transfer is; costs no call."""
        return TransferProgress(*self._core.progress())

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
        if not self.done():
            refuse_in_coroutine("result", "await the transfer")
        result = self._wait(timeout)
        if result is None:
            raise TimeoutError(f"{self._name}: not done after {timeout} s; it goes on")
        return result

    def _wait(self, timeout: float | None) -> TransferResult | None:
        with self._faults():
            row = self._core.wait(timeout)
        return None if row is None else TransferResult(self._key, self._name, *row)

    def __await__(self) -> Generator[Any, None, TransferResult]:
        """Waits for the end in a running event loop; raises what ``result`` raises.

        Cancelling the wait cancels the transfer, as awaiting an ``asyncio.Task`` does; its partial
        file is removed first. ``asyncio.shield`` keeps it going. A failure that nobody reads,
        because the shield's caller gave up, is raised at the end of the lease's block.
        """
        return self._awaited().__await__()

    async def _awaited(self) -> TransferResult:
        import asyncio  # costs as much as the rest of the package

        from nfclease._in_loop import any_of, undisturbed, watching  # only where there is one

        with watching([self._core]) as ends:
            try:
                await any_of(ends)
            except asyncio.CancelledError:
                await undisturbed(ends, self._started.stop())
                raise
        return self._told()

    def _told(self) -> TransferResult:
        """What it came to, told to the running task."""
        try:
            with self._faults():
                row = self._core.outcome()
        except BaseException as error:
            self._started.readers.tell(error)
            raise
        if row is None:
            raise RuntimeError("a transfer that has ended has an outcome")
        return TransferResult(self._key, self._name, *row)

    async def __aiter__(self) -> AsyncIterator[TransferProgress]:
        """Yields how far it is, five times a second, until it has ended; raises nothing of it.

        Examples:
            >>> async def show(transfer):
            ...     async for snapshot in transfer:
            ...         print(snapshot.bytes_done)
            ...     return await transfer
        """
        from nfclease._in_loop import any_of, watching

        with watching([self._core]) as ends:
            while not ends[0].done():
                yield self.progress
                await any_of(ends, _SNAPSHOT_INTERVAL)
            yield self.progress

    def done(self) -> bool:
        """Whether the transfer has ended, well or not."""
        return self._core.done()

    def cancel(self) -> None:
        """Asks the transfer to stop; ``result`` then raises TransferCancelledError."""
        self._core.cancel()

    def _repr_html_(self) -> str:
        progress = self.progress
        rows: dict[str, object] = {
            "device": self._key,
            "state": "done" if self.done() else "running",
            "moved": size(progress.bytes_done),
            "of": size(progress.bytes_total),
            "attempts": progress.attempts,
        }
        return table(self._name, rows)

    def __repr__(self) -> str:
        state = "done" if self.done() else "running"
        return f"<nfclease.Transfer {self._name!r} {state}, {self.progress.bytes_done} bytes>"
