"""How far a transfer is: what ``Transfer.progress`` says, and what a ``progress`` callable gets."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

__all__ = ["TransferProgress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferProgress:
    """How far a transfer is, at one moment.

    Attributes:
        name: As ``Transfer.name``.
        key: ``DeviceUrl.key`` of the device.
        bytes_done: Bytes moved in the current attempt; of an upload those that its connection was
            given, of which a few megabytes may still be on their way.
        bytes_total: Bytes in all, or None while the size is unknown, as it is for an exported
            disk until its end.
        attempts: Attempts started, 0 while the transfer waits for its turn.
        rate: Bytes per second since an earlier look, smoothed; 0 at the first. At the end, over the
            whole time.
        seconds_left: None while the size is unknown or nothing moves.
        disk_capacity: Bytes that all disks of the lease can hold (``totalDiskCapacityInKB``),
            while ``bytes_total`` is None; not a size, because what is sent is smaller. None if
            the size is known or the server does not say.
        done: Whether it has ended, well or not.
        failed: Whether it has ended, and not well.

    Examples:
        >>> observed = []
        >>> result = lease.download(device_url, directory / "disk", progress=observed.append)
        >>> (observed[-1].done, observed[-1].bytes_done == result.bytes)
        (True, True)
    """

    name: str
    key: str
    bytes_done: int
    bytes_total: int | None = None
    attempts: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    disk_capacity: int | None = None
    done: bool = False
    failed: bool = False


if TYPE_CHECKING:
    #: What is called now and then; None for nothing.
    Callback: TypeAlias = Callable[[TransferProgress], object] | None
    #: True for bars, a callable for one's own, None for nothing.
    ProgressOption: TypeAlias = bool | Callback
