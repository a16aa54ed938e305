"""What downloads and uploads have in common: several in an order, and what shows them."""

from __future__ import annotations

from nfclease._arguments import host_name
from nfclease._operations.waiting import results_of, stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Any

    from nfclease._backends.base import Backend
    from nfclease._lease_core import LeaseCore
    from nfclease._tracking import Tracked
    from nfclease.progress import Callback, ProgressOption
    from nfclease.transfer import Transfer, TransferResult


async def each(
    backend: Backend,
    order: Iterable[int],
    start: Callable[[int], Awaitable[Transfer]],
    progress: ProgressOption,
    ended: Callable[[int, TransferResult], Awaitable[None]] | None = None,
) -> list[TransferResult]:
    """Starts files in this order, by their numbers. Results and bars are in that of the numbers.

    `ended` gets the number and the result of each that has ended well, as soon as it has.
    """
    transfers: dict[int, Transfer] = {}
    try:
        for number in order:
            transfers[number] = await start(number)
    except BaseException as error:
        await stop(backend, list(transfers.values()), error)
        raise
    numbers = {transfer: number for number, transfer in transfers.items()}

    async def told(transfer: Transfer, result: TransferResult) -> None:
        if ended is not None:
            await ended(numbers[transfer], result)

    return await results_of(backend, sorted(numbers, key=numbers.__getitem__), progress, told)


def tracked_by(
    lease: LeaseCore, tracked: Tracked, device_url: Any, url: str | None = None
) -> Transfer:
    """A transfer that was started, which its lease knows from here on."""
    from nfclease.transfer import Transfer  # a future brings logging, and more

    tracked.key = device_url.key
    tracked.host = host_name(url or device_url.url or "", lease.session_host())
    lease.transfers.append(tracked)
    return Transfer(tracked, lease)


def checked(progress: ProgressOption) -> ProgressOption:
    """What shows nothing needs no module that can."""
    if progress is None or progress is False:
        return None
    from nfclease._display import option

    return option.checked(progress)


def checked_callback(progress: Callback) -> Callback:
    """The same for a background transfer, which takes a callable and shows no bar."""
    if progress is None:
        return None
    from nfclease._display.option import checked_callback

    return checked_callback(progress)


def called_back(transfer: Transfer, progress: Callback) -> Transfer:
    """The transfer, whose progress goes to a callable."""
    if progress is not None:
        from nfclease._display.reporter import report_in_background

        report_in_background(transfer, progress)
    return transfer
