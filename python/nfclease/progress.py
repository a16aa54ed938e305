"""Progress that people can see: bars, a notebook's table, lines in a log, or a callable's own.

The side that waits looks at the transfers' counters, at most five times a second; nothing is called
per piece of data.
"""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

__all__ = ["ProgressSnapshot"]


class ProgressSnapshot(NamedTuple):
    """How far one transfer is, as a ``progress`` callable gets it.

    Attributes:
        name: As ``Transfer.name``.
        key: ``DeviceUrl.key`` of the device.
        bytes_done: Bytes moved in the current attempt.
        bytes_total: Bytes in all, or None while the size is unknown, as it is for an exported
            disk until its end.
        rate: Bytes per second, smoothed; at the end, over the whole time.
        seconds_left: None while the size is unknown or nothing moves.
        attempts: Attempts started.
        done: Whether it has ended, well or not.
        disk_capacity: Bytes that all disks of the lease can hold (``totalDiskCapacityInKB``),
            while ``bytes_total`` is None; not a size, because what is sent is smaller. None where
            the size is known or the server does not say.
        failed: Whether it has ended, and not well.

    Examples:
        >>> seen = []
        >>> result = lease.download(device_url, directory / "disk", progress=seen.append)
        >>> (seen[-1].done, seen[-1].bytes_done == result.bytes)
        (True, True)
    """

    name: str
    key: str
    bytes_done: int
    bytes_total: int | None
    rate: float
    seconds_left: float | None
    attempts: int
    done: bool
    disk_capacity: int | None
    failed: bool


if TYPE_CHECKING:
    #: What gets a snapshot now and then; None for nothing.
    Callback: TypeAlias = Callable[[ProgressSnapshot], object] | None
    #: True for bars, a callable for one's own, None for nothing.
    ProgressOption: TypeAlias = bool | Callback
