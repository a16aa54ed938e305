"""Transfers that are waited for, and stopped when the wait is broken off."""

from __future__ import annotations

from nfclease._backends.base import INTERVAL
from nfclease._log import calls, extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from nfclease._backends.base import Backend
    from nfclease._display.reporter import Reporter
    from nfclease.progress import ProgressOption
    from nfclease.transfer import Transfer, TransferResult

    #: Gets the result of a transfer that has ended well, while others may still move.
    Ended: TypeAlias = Callable[[Transfer, TransferResult], Awaitable[None]]


async def results_of(
    backend: Backend,
    transfers: list[Transfer],
    progress: ProgressOption,
    ended: Ended | None = None,
) -> list[TransferResult]:
    """The results; when the wait is broken off, all are stopped and cleaned up first.

    Each is given to `ended` as soon as it is there.
    """
    try:
        report = _reporter(transfers, progress)
        try:
            return await _observed(backend, transfers, report, ended)
        finally:
            if report:
                report.close()
    except BaseException as error:
        await stop(backend, transfers, error)
        raise


async def _observed(
    backend: Backend, transfers: list[Transfer], report: Reporter | None, told: Ended | None
) -> list[TransferResult]:
    """All results in order; the first failure as soon as it happens."""
    results: dict[Transfer, TransferResult] = {}
    with backend.watch([transfer._tracked.core for transfer in transfers]) as next_end:
        while True:
            ended = _ended(transfers)
            if report:
                report.update()  # of a failure too, before it comes out
            for transfer in ended:
                if transfer not in results:
                    results[transfer] = observed(backend, transfer)
                    if told is not None:
                        await told(transfer, results[transfer])
            if len(results) == len(transfers):
                return [results[transfer] for transfer in transfers]
            await next_end(None if report is None else INTERVAL)


def _ended(transfers: list[Transfer]) -> list[Transfer]:
    """Those that have ended, the failed ones last."""
    ended = [transfer for transfer in transfers if transfer.done()]
    if any(transfer._tracked.core.failed() for transfer in ended):
        # One that was looked at first may have ended well since, before the next one failed.
        ended = [transfer for transfer in transfers if transfer.done()]
    return sorted(ended, key=lambda transfer: transfer._tracked.core.failed())


def observed(backend: Backend, transfer: Transfer) -> TransferResult:
    """The result of a transfer that has ended; its failure counts as observed."""
    result, host = transfer._observe(backend.in_task), transfer._tracked.host
    calls().debug(
        "%s: %d bytes with %s in %.3f s, attempt %d, verified: %s",
        *(result.name, result.bytes, host, result.seconds, result.attempts, result.verified),
        extra=extra(transfer._lease.moid, file=result.name, host=host),
    )
    return result


def _reporter(transfers: list[Transfer], progress: ProgressOption) -> Reporter | None:
    if progress is None:
        return None
    from nfclease._display.option import reporter

    return reporter(progress, transfers)


async def stop(backend: Backend, transfers: list[Transfer], cause: BaseException) -> None:
    """Cancels, and waits until partial files are removed."""
    tracked = [transfer._tracked for transfer in transfers]
    until = max((each.stop() for each in tracked), default=0.0)
    if backend.may_wait(cause):
        await backend.for_stop([each.core for each in tracked], until)
