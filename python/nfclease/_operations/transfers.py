"""Downloads and uploads: what each of them is, and how it starts."""

from __future__ import annotations

import os

from pyVmomi import vim

from nfclease import _core
from nfclease._arguments import (
    address_for,
    core_device_url,
    core_file_item,
    device_for,
    display_name,
    file_name,
    host_name,
    transferable,
    unsized,
)
from nfclease._local.ends import length_of, start_from, start_to
from nfclease._local.images import Wanted, wanted
from nfclease._operations import starts
from nfclease._operations.ready import ready_info
from nfclease._operations.waiting import results_of, stop
from nfclease._tracking import Tracked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from nfclease._arguments import Source, Target, Urls
    from nfclease._backends.base import Backend
    from nfclease._lease_core import LeaseCore
    from nfclease.progress import Callback, ProgressOption
    from nfclease.transfer import Transfer, TransferResult

    #: The keywords of ``download`` that choose an image.
    ImageOptions: TypeAlias = Mapping[str, Any]

    #: An item, what is sent for it, and the digest to compute of it: its algorithm, and the
    #: hex that it must be, if any.
    ToSend: TypeAlias = tuple[Any, Any, tuple[str, str | None] | None]


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
        return Results(await _each(backend, order, start, progress))


async def download_each(
    lease: LeaseCore,
    backend: Backend,
    targets: Sequence[tuple[Any, Any]],
    order: Iterable[int],
    progress: ProgressOption,
    *,
    images: Sequence[_core.ImageFormat | None],
    file_checksum_type: str | None = None,
) -> list[TransferResult]:
    """These devices, each to its target, as by ``download``; their positions start in `order`.

    `images` has what becomes of each. What is an image is not what came, and has no sum of a file.
    """
    progress = checked(progress)

    async def start(at: int) -> Transfer:
        (device_url, target), becomes = targets[at], Wanted(images[at])
        kind = file_checksum_type if images[at] is None else None
        return _start_download(
            lease, device_url, target, False, becomes=becomes, file_checksum_type=kind
        )

    return await _each(backend, order, start, progress)


async def upload_all(
    lease: LeaseCore,
    backend: Backend,
    items: Iterable[Any],
    source: str | os.PathLike[str],
    progress: ProgressOption,
    urls: Urls = None,
    convert: bool = False,
) -> list[TransferResult]:
    """The file of each item, after all were found.

    With ``convert``, and after the streams of all disks of other formats were made.
    """
    from nfclease._display.results import Results
    from nfclease._local.items import sources_of

    progress = checked(progress)
    found = sources_of(items, source)
    deltas = found.has_deltas
    files: list[ToSend] = [(*file, None) for file in found.files]
    if not convert:
        return Results(await upload_each(lease, backend, files, progress, urls, has_deltas=deltas))
    from nfclease._operations.converted import Streams

    async with Streams(backend, lease.moid) as made:
        streams = await made.of_items(found)
        sent = [
            file if stream is None else (unsized(file[0]), stream, None)
            for file, stream in zip(files, streams, strict=True)
        ]
        results = await upload_each(lease, backend, sent, progress, urls, has_deltas=deltas)
    return Results(
        result if stream is None else _result_of(result, file[1])
        for result, file, stream in zip(results, files, streams, strict=True)
    )


async def upload_each(
    lease: LeaseCore,
    backend: Backend,
    files: Sequence[ToSend],
    progress: ProgressOption,
    urls: Urls = None,
    *,
    has_deltas: bool | None,
) -> list[TransferResult]:
    """These files; devices and addresses of all are known before one is sent.

    With ``has_deltas``, each waits for the one before it, as those of a package with a delta must:
    vSphere wants them in its own order (``OvfManager.CreateImportSpecResult``), and only the server
    knows which device has the parent. They start in this order too where nobody can say (None).
    """
    progress = checked(progress)
    info = await ready_info(lease, backend)
    devices = [device_for(item, lambda: info) for item, _, _ in files]
    addresses = [address_for(device, urls) for device in devices]

    async def start(at: int) -> Transfer:
        (item, source, line), after_all = files[at], bool(has_deltas)
        kind, expected = line or (None, None)
        sums = {"file_checksum_type": kind, "expected": expected}
        sent = _start_upload(
            lease, backend, item, source, addresses[at], after_all=after_all, **sums
        )
        return await sent

    order: Iterable[int] = range(len(files))
    if has_deltas is False and len(files) > lease.max_concurrency:
        with lease.faults():
            lengths = [length_of(source) for _, source, _ in files]
        order = starts.of_uploads([*zip((device.key for device in devices), lengths, strict=True)])
    return await _each(backend, order, start, progress)


async def upload(
    lease: LeaseCore,
    backend: Backend,
    item: Any,
    source: Source,
    progress: ProgressOption,
    convert: bool = False,
    *,
    file_checksum_type: str | None = None,
    expected: str | None = None,
) -> TransferResult:
    """One file; with ``expected``, it must have this sum of that type.

    With ``convert``, a disk of another format goes as the stream that is made of it.
    """
    progress = checked(progress)

    async def sent(item: Any, source: Any) -> TransferResult:
        transfer = await _start_upload(
            lease, backend, item, source, file_checksum_type=file_checksum_type, expected=expected
        )
        [result] = await results_of(backend, [transfer], progress)
        return result

    if not convert:
        return await sent(item, source)
    from nfclease._operations.converted import Streams

    async with Streams(backend, lease.moid) as made:
        path, stream = await made.of_path(source)
        if stream is None:
            return await sent(item, path)
        return _result_of(await sent(unsized(item), stream), path)


def _result_of(result: TransferResult, source: Any) -> TransferResult:
    """Of a stream that was made: its path is that of the disk, where it has one."""
    from dataclasses import replace

    return replace(result, path=source if isinstance(source, str) else None)


def start_download(
    lease: LeaseCore,
    device_url: Any,
    target: Target,
    overwrite: bool,
    progress: Callback,
    image: ImageOptions,
) -> Transfer:
    """One device, in the background."""
    from nfclease._local.directory import made_for

    progress = _checked_callback(progress)
    becomes = wanted(**image)
    with made_for(target, *becomes.other_paths):
        transfer = _start_download(lease, device_url, target, overwrite, becomes=becomes)
    return _called_back(transfer, progress)


async def start_upload(
    lease: LeaseCore,
    backend: Backend,
    item: Any,
    source: Source,
    progress: Callback,
    convert: bool = False,
) -> Transfer:
    """One file, in the background; with ``convert``, after the stream of it was made.

    That is open in the transfer, and needs no name any more: nothing is left to remove at its end.
    """
    progress = _checked_callback(progress)
    if not convert:
        return _called_back(await _start_upload(lease, backend, item, source), progress)
    from nfclease._operations.converted import Streams

    async with Streams(backend, lease.moid) as made:
        path, stream = await made.of_path(source)
        if stream is None:
            transfer = await _start_upload(lease, backend, item, path)
        else:
            kept = await backend.for_call(lambda: _core.Source.of_open_path(stream))
            transfer = await _start_upload(lease, backend, unsized(item), kept, path=path)
    return _called_back(transfer, progress)


async def _each(
    backend: Backend,
    order: Iterable[int],
    start: Callable[[int], Awaitable[Transfer]],
    progress: ProgressOption,
) -> list[TransferResult]:
    """Starts files in this order, by their numbers. Results and bars are in that of the numbers."""
    transfers: dict[int, Transfer] = {}
    try:
        for number in order:
            transfers[number] = await start(number)
    except BaseException as error:
        await stop(backend, list(transfers.values()), error)
        raise
    return await results_of(backend, [transfers[number] for number in sorted(transfers)], progress)


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
    return _transfer(lease, Tracked(core, name, path, file_checksum_type), device_url, url)


async def _start_upload(
    lease: LeaseCore,
    backend: Backend,
    item: Any,
    source: Any,
    url: str | None = None,
    *,
    file_checksum_type: str | None = None,
    expected: str | None = None,
    after_all: bool = False,
    path: str | None = None,
) -> Transfer:
    """Finds the device that the item means, and starts: in the order of the calls.

    `path` is what the result says of a source that has none.
    """
    known = isinstance(item, vim.HttpNfcLease.DeviceUrl)
    async with backend.in_order():
        info = None if known else await ready_info(lease, backend)
        device_url = device_for(item, lambda: info)
        name = file_name(item) or display_name(device_url)
        device = core_device_url(device_url, name, item, url)
        described = core_file_item(item, after_all)
        with lease.faults():
            start = lease.native_now().upload
            sums = {"file_checksum_type": file_checksum_type, "expected": expected}
            core, own_path = start_from(source, name, start, device, described, **sums)
        tracked = Tracked(core, name, own_path or path, file_checksum_type)
        return _transfer(lease, tracked, device_url, url)


def _transfer(
    lease: LeaseCore, tracked: Tracked, device_url: Any, url: str | None = None
) -> Transfer:
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


def _checked_callback(progress: Callback) -> Callback:
    """The same for a background transfer, which takes a callable and shows no bar."""
    if progress is None:
        return None
    from nfclease._display.option import checked_callback

    return checked_callback(progress)


def _called_back(transfer: Transfer, progress: Callback) -> Transfer:
    if progress is not None:
        from nfclease._display.reporter import report_in_background

        report_in_background(transfer, progress)
    return transfer
