"""What the methods that wait do: written once, for the blocking face and for the asyncio one."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from pyVmomi import vim, vmodl

from nfclease import _core
from nfclease._arguments import device_for, transferable
from nfclease._backends.base import CLEANUP_TIMEOUT, stop_all
from nfclease._display.results import Results
from nfclease._local.directory import made
from nfclease._tracking import STOP_TIMEOUT
from nfclease.exceptions import (
    ForkError,
    LeaseInitError,
    LeaseLostError,
    NfcError,
    ProtocolError,
    SessionExpiredError,
)

if TYPE_CHECKING:
    from nfclease._backends.base import Waiting
    from nfclease._pyvmomi.signatures import Source, Target
    from nfclease.lease import HttpNfcLease
    from nfclease.progress import ProgressOption, Reporter, Told
    from nfclease.transfer import Transfer, TransferResult


async def wait_ready(lease: HttpNfcLease, waiting: Waiting, timeout: float) -> Any:
    """``HttpNfcLease.info`` of a lease that is ready."""
    core = lease._core_now()
    try:
        with lease._faults():
            await waiting.for_work(core.wait_ready(timeout))
            info = await read_info(lease, waiting)
            if info is None:  # it has ended meanwhile: the core is to say why
                await waiting.for_call(core.refresh)
                await waiting.for_work(core.wait_ready(timeout))
    except LeaseInitError as error:
        if error.fault is None and error.fault_name:
            with suppress(Exception):  # no fault is better than another error
                error.fault = await waiting.for_call(lambda: lease.error)
        raise
    if info is None:
        raise LeaseInitError("the server says ready, and gives no info")
    return info


async def ready_info(lease: HttpNfcLease, waiting: Waiting) -> Any:
    """The same, without waiting where it is ready already."""
    info = await read_info(lease, waiting)
    return info or await wait_ready(lease, waiting, 300.0)


async def read_info(lease: HttpNfcLease, waiting: Waiting) -> Any:
    """``HttpNfcLease.info`` as pyvmomi reads it; what goes wrong with it is told as ours is."""
    try:
        return await waiting.for_call(lambda: lease.info)
    except NfcError:
        raise
    except (vim.fault.NotAuthenticated, vmodl.fault.ManagedObjectNotFound) as fault:
        await waiting.for_call(lease._core_now().refresh)  # what runs is to end as well
        raise _lost(fault) from fault
    except (AttributeError, KeyError, TypeError, ValueError, ExpatError) as error:
        text = f"HttpNfcLease.info: pyvmomi cannot read what the server sent ({error})"
        raise ProtocolError(f"{printable(text)}; a newer pyvmomi may know it") from error


def _lost(fault: Any) -> LeaseLostError:
    """The lease's end for a fault that means it."""
    name = type(fault).__name__.rpartition(".")[2]
    text = printable(fault.msg or name)
    error = LeaseLostError(f"the lease is lost: {text}")
    if isinstance(fault, vim.fault.NotAuthenticated):
        hint = "log in again and open a new lease"
        error = SessionExpiredError(f"the session is gone (NotAuthenticated): {text}; {hint}")
    error.fault, error.fault_name = fault, name
    return error


def _checked(progress: ProgressOption) -> ProgressOption:
    """What shows nothing needs no module that can."""
    if progress is None or progress is False:
        return None
    from nfclease.progress import checked

    return checked(progress)


def checked_callable(progress: Told) -> Told:
    """The same for a background transfer, which takes a callable and shows no bar."""
    if progress is None:
        return None
    from nfclease.progress import checked_callable

    return checked_callable(progress)


def _reporter(
    lease: HttpNfcLease, transfers: list[Transfer], progress: ProgressOption
) -> Reporter | None:
    if progress is None:
        return None
    from nfclease.progress import reporter

    return reporter(progress, transfers, lease._core_now().disk_capacity())


async def finished(
    lease: HttpNfcLease, waiting: Waiting, transfers: list[Transfer], progress: ProgressOption
) -> list[TransferResult]:
    """The results; when the wait is broken off, all are stopped and cleaned up first."""
    try:
        report = _reporter(lease, transfers, progress)
        try:
            return await waiting.for_transfers(transfers, report)
        finally:
            if report:
                report.close()
    except BaseException as error:
        await stop(waiting, transfers, error)
        raise


async def stop(waiting: Waiting, transfers: list[Transfer], cause: BaseException) -> None:
    """Cancels, and waits until partial files are removed."""
    until = stop_all(transfers)
    if waiting.may_wait(cause):
        await waiting.for_stop(transfers, until)


async def download_all(
    lease: HttpNfcLease,
    waiting: Waiting,
    directory: str | os.PathLike[str],
    overwrite: bool,
    progress: ProgressOption,
) -> list[TransferResult]:
    """All devices that have a file name, each to a file of that name.

    A directory that cannot be is told before any call.
    """
    progress = _checked(progress)
    with made(directory):
        devices = transferable(await ready_info(lease, waiting))
        names = _core.safe_names([device.targetId for device in devices])
        started: list[Transfer] = []
        try:
            for device, name in zip(devices, names, strict=True):
                path = os.path.join(directory, name)
                started.append(lease.start_download(device, path, overwrite=overwrite))
        except BaseException as error:
            await stop(waiting, started, error)
            raise
        return Results(await finished(lease, waiting, started, progress))


async def download(
    lease: HttpNfcLease,
    waiting: Waiting,
    device_url: Any,
    target: Target,
    overwrite: bool,
    progress: ProgressOption,
) -> TransferResult:
    """One device."""
    progress = _checked(progress)
    started = lease.start_download(device_url, target, overwrite=overwrite)
    [result] = await finished(lease, waiting, [started], progress)
    return result


async def start_upload(
    lease: HttpNfcLease, waiting: Waiting, item: Any, source: Source, progress: Told = None
) -> Transfer:
    """Finds the device that the item means, and starts: in the order of the calls."""
    progress = checked_callable(progress)
    known = isinstance(item, vim.HttpNfcLease.DeviceUrl)
    async with waiting.in_order():
        info = None if known else await ready_info(lease, waiting)
        started = lease._start_upload(item, device_for(item, lambda: info), source)
    return lease._told_of(started, progress)


async def upload(
    lease: HttpNfcLease, waiting: Waiting, item: Any, source: Source, progress: ProgressOption
) -> TransferResult:
    """One file."""
    progress = _checked(progress)
    started = await start_upload(lease, waiting, item, source)
    [result] = await finished(lease, waiting, [started], progress)
    return result


async def leave(lease: HttpNfcLease, waiting: Waiting, cause: BaseException | None) -> None:
    """The end of the ``with`` block: Complete when all is well, else Abort."""
    if cause is not None:
        with suppress(ForkError):  # the lease is the parent's, the error is the child's own
            await give_up(lease, waiting, cause)
        return
    try:
        settle(lease)
        with lease._faults():
            await waiting.for_work(lease._core_now().finish())
    except BaseException as error:
        cause = next(filter(None, (started.unread() for started in lease._started)), error)
        await give_up(lease, waiting, cause)
        raise cause from error.__cause__


def settle(lease: HttpNfcLease) -> None:
    """Raises a failure that was told to somebody who has not read it."""
    for started in lease._started:
        started.settle()


async def detach(lease: HttpNfcLease, waiting: Waiting) -> Any:
    """The plain lease, which is somebody else's from here on."""
    settle(lease)
    with lease._faults():
        await waiting.for_work(lease._core_now().detach())
    return vim.HttpNfcLease(lease._moId, lease._stub, lease._serverGuid)


async def give_up(lease: HttpNfcLease, waiting: Waiting, cause: BaseException | None) -> None:
    """Cancels, cleans up, and sends one Abort with this cause while the lease is held."""
    reason = "closed without Complete" if cause is None else reason_of(cause)
    core = lease._core_now()
    state = core.phase()
    waited = STOP_TIMEOUT if any(started.is_stuck() for started in lease._started) else 0.0
    if not waiting.may_wait(cause):
        core.abandon(reason)
        return
    work = core.give_up(reason)
    outcome = await waiting.for_cleanup(work, CLEANUP_TIMEOUT - waited) or "abort_failed"
    if isinstance(cause, (NfcError, OSError)):
        cause.lease_state = state  # type: ignore[union-attr]
        cause.lease_outcome = outcome  # type: ignore[union-attr]


def printable(text: str) -> str:
    """Somebody else's text on one line, and no longer than a message may be."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:200])


def reason_of(cause: BaseException) -> str:
    """What the server's task shows: the class and the first line of the message."""
    name = type(cause).__name__
    try:
        message = getattr(cause, "msg", None)
        lines = (message if isinstance(message, str) else str(cause)).split("\n")
    except Exception:  # somebody's __str__; it must not take the place of the cause
        lines = []
    first = next((line.strip() for line in lines if line.strip()), "")
    text = f"{name}: {first}"[:300] if first else name
    return text.encode("utf-8", "backslashreplace").decode()
