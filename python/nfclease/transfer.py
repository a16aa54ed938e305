"""A running transfer and what it comes to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from nfclease import _core

__all__ = ["Transfer", "TransferProgress", "TransferResult"]

#: Seconds that a cancelled transfer gets to remove its partial file.
_CLEANUP_TIMEOUT = 10.0


class TransferProgress(NamedTuple):
    """How far a transfer is.

    Attributes:
        bytes_done: Bytes moved in the current attempt.
        bytes_total: Bytes in all, or None while the size is unknown, as it is for an exported
            disk until its end.
        attempts: Attempts started, 0 while the transfer waits for its turn.

    Example:
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
            ``stream`` when the server listed no entry and only framing and format were checked.
        seconds: From the first request to the last check.
        attempts: How many times it was started.

    Example:
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


class Transfer:
    """A transfer that runs in the background.

    Made by :meth:`HttpNfcLease.start_download` and :meth:`HttpNfcLease.start_upload`. It goes on
    when this object is dropped; the lease waits for it at its end. It can be awaited.

    Example:
        >>> transfer = lease.start_download(device_url, "disk-0.vmdk")
        >>> transfer.result(timeout=60).verified
        'manifest'
    """

    def __init__(
        self,
        core: _core.Transfer,
        key: str,
        name: str,
        faults: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._core = core
        self._key = key
        self._name = name
        self._faults = faults

    @property
    def key(self) -> str:
        """``DeviceUrl.key`` of the device."""
        return self._key

    @property
    def name(self) -> str:
        """The device's ``targetId``, or the last part of its URL's path."""
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
            NfcError: The transfer failed; see :mod:`nfclease.exceptions` for each case.
            OSError: A local file could not be read or written.
        """
        with self._faults():
            row = self._core.wait(timeout)
        if row is None:
            raise TimeoutError(f"{self._name}: not done after {timeout} s; it goes on")
        return TransferResult(self._key, self._name, *row)

    def __await__(self) -> Generator[Any, None, TransferResult]:
        """Waits for the end in a running event loop; raises what :meth:`result` raises.

        Cancelling the wait cancels the transfer, as awaiting an ``asyncio.Task`` does; its partial
        file is removed first. ``asyncio.shield`` keeps it going.
        """
        return self._awaited().__await__()

    async def _awaited(self) -> TransferResult:
        import asyncio  # costs as much as the rest of the package

        try:
            with self._faults():
                row = await self._core.ended()
        except asyncio.CancelledError:
            self._core.cancel()
            with suppress(Exception):
                await asyncio.wait_for(self._core.ended(), _CLEANUP_TIMEOUT)
            raise
        return TransferResult(self._key, self._name, *row)

    def done(self) -> bool:
        """Whether the transfer has ended, well or not."""
        return self._core.done()

    def cancel(self) -> None:
        """Asks the transfer to stop; :meth:`result` then raises TransferCancelledError."""
        self._core.cancel()

    def _stop(self) -> None:
        """Cancels and waits, within a bound, until the partial file is removed."""
        self._core.cancel()
        try:
            self._core.wait(_CLEANUP_TIMEOUT)
        except Exception:  # noqa: BLE001 - the caller raises the first error
            return

    def __repr__(self) -> str:
        state = "done" if self.done() else "running"
        return f"<nfclease.Transfer {self._name!r} {state}, {self.progress.bytes_done} bytes>"


def result_or_stop(transfer: Transfer) -> TransferResult:
    """The result; when the wait is broken off, the transfer is stopped and cleaned up first."""
    try:
        return transfer.result()
    except BaseException:
        transfer._stop()
        raise


def results_of(transfers: list[Transfer]) -> list[TransferResult]:
    """All results in order; the first failure as soon as it happens."""
    pending = list(transfers)
    while pending:
        for transfer in [transfer for transfer in pending if transfer.done()]:
            transfer.result()
            pending.remove(transfer)
        if pending:
            try:
                pending[0].result(timeout=0.1)
            except TimeoutError:
                if pending[0].done():
                    raise
    return [transfer.result() for transfer in transfers]
