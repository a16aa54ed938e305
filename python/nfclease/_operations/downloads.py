"""Downloads: what each of them is, and how it starts."""

from __future__ import annotations

import os

from nfclease import _core
from nfclease._arguments import address_for, core_device_url, display_name, transferable
from nfclease._local.ends import start_to
from nfclease._local.images import Wanted, wanted
from nfclease._operations import starts
from nfclease._operations.ready import ready_info
from nfclease._operations.transfers import called_back, checked, checked_callback, each, tracked_by
from nfclease._operations.waiting import results_of
from nfclease._tracking import Tracked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from nfclease._arguments import Target, Urls
    from nfclease._backends.base import Backend
    from nfclease._lease_core import LeaseCore
    from nfclease.progress import Callback, ProgressOption
    from nfclease.transfer import Transfer, TransferResult

    #: The keywords of ``download`` that choose an image.
    ImageOptions: TypeAlias = Mapping[str, Any]


async def download(
    lease: LeaseCore,
    backend: Backend,
    device_url: Any,
    target: Target,
    overwrite: bool,
    progress: ProgressOption,
    *,
    image: ImageOptions | None = None,
    file_checksum_type: str | None = None,
) -> TransferResult:
    """One device, as its stream or as an image, which the keywords of ``download`` choose.

    A ``file_checksum_type`` has the sum for a manifest file computed in passing.
    """
    from nfclease._local.directory import made_for

    progress = checked(progress)
    becomes = Wanted() if image is None else wanted(**image)
    with made_for(target, *becomes.other_paths):
        transfer = _start_download(
            lease,
            device_url,
            target,
            overwrite,
            becomes=becomes,
            file_checksum_type=file_checksum_type,
        )
        [result] = await results_of(backend, [transfer], progress)
    return result


async def download_all(
    lease: LeaseCore,
    backend: Backend,
    directory: str | os.PathLike[str],
    overwrite: bool,
    progress: ProgressOption,
    urls: Urls = None,
) -> list[TransferResult]:
    """All devices that have a file name, each to a file of that name.

    A directory that cannot be is an error before any call.
    """
    from nfclease._display.results import Results
    from nfclease._local.directory import made

    progress = checked(progress)
    with made(directory):
        info = await ready_info(lease, backend)
        devices = transferable(info)
        names = _core.safe_names([device.targetId for device in devices])
        addresses = [address_for(device, urls) for device in devices]

        async def start(at: int) -> Transfer:
            path = os.path.join(directory, names[at])
            return _start_download(lease, devices[at], path, overwrite, addresses[at])

        order = await starts.of_downloads(lease, backend, info.entity, devices)
        return Results(await each(backend, order, start, progress))


async def download_each(
    lease: LeaseCore,
    backend: Backend,
    targets: Sequence[tuple[Any, Any]],
    order: Iterable[int],
    progress: ProgressOption,
    *,
    images: Sequence[_core.ImageFormat | None],
    file_checksum_type: str | None = None,
    ended: Callable[[int, TransferResult], Awaitable[None]] | None = None,
) -> list[TransferResult]:
    """These devices, each to its target, as by ``download``; their positions start in `order`.

    `images` has what becomes of each. What is an image is not what came, and has no sum of a file.
    `ended` gets the position and the result of each that has ended well, as soon as it has.
    """
    progress = checked(progress)

    async def start(at: int) -> Transfer:
        (device_url, target), becomes = targets[at], Wanted(images[at])
        kind = file_checksum_type if images[at] is None else None
        return _start_download(
            lease, device_url, target, False, becomes=becomes, file_checksum_type=kind
        )

    return await each(backend, order, start, progress, ended)


def start_download(
    lease: LeaseCore,
    device_url: Any,
    target: Target,
    overwrite: bool,
    progress: Callback,
    image: ImageOptions | None,
) -> Transfer:
    """One device, in the background."""
    from nfclease._local.directory import made_for

    progress = checked_callback(progress)
    becomes = Wanted() if image is None else wanted(**image)
    with made_for(target, *becomes.other_paths):
        transfer = _start_download(lease, device_url, target, overwrite, becomes=becomes)
    return called_back(transfer, progress)


def _start_download(
    lease: LeaseCore,
    device_url: Any,
    target: Any,
    overwrite: bool,
    url: str | None = None,
    *,
    becomes: Wanted | None = None,
    file_checksum_type: str | None = None,
) -> Transfer:
    device, name = core_device_url(device_url, url=url), display_name(device_url)
    with lease.faults():
        start, options = lease.native_now().download, {"file_checksum_type": file_checksum_type}
        core, path = start_to(target, name, overwrite, start, device, wanted=becomes, **options)
    return tracked_by(lease, Tracked(core, name, path, file_checksum_type), device_url, url)
