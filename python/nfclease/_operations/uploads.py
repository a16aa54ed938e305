"""Uploads: what each of them is, and how it starts."""

from __future__ import annotations

from pyVmomi import vim

from nfclease import _core
from nfclease._arguments import (
    address_for,
    core_device_url,
    core_file_item,
    device_for,
    display_name,
    file_name,
    unsized,
)
from nfclease._local.ends import length_of, start_from
from nfclease._operations import starts
from nfclease._operations.ready import ready_info
from nfclease._operations.transfers import called_back, checked, checked_callback, each, tracked_by
from nfclease._operations.waiting import results_of
from nfclease._tracking import Tracked

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from typing import Any, TypeAlias

    from nfclease._arguments import Source, Urls
    from nfclease._backends.base import Backend
    from nfclease._lease_core import LeaseCore
    from nfclease.progress import Callback, ProgressOption
    from nfclease.transfer import Transfer, TransferResult

    #: An item, what is sent for it, and the digest to compute of it: its algorithm, and the
    #: hex that it must be, if any.
    ToSend: TypeAlias = tuple[Any, Any, tuple[str, str | None] | None]


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
    return await each(backend, order, start, progress)


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


async def start_upload(
    lease: LeaseCore,
    backend: Backend,
    item: Any,
    source: Source | _core.Source,
    progress: Callback,
    convert: bool = False,
    *,
    line: tuple[str, str] | None = None,
) -> Transfer:
    """One file, in the background; with ``convert``, after the stream of it was made.

    The transfer keeps that stream open, so its file is removed at once.
    With a `line`, a file that is sent as it is must have this sum of that algorithm.
    """
    progress = checked_callback(progress)
    if not convert:
        kind, expected = line or (None, None)
        transfer = await _start_upload(
            lease, backend, item, source, file_checksum_type=kind, expected=expected
        )
        return called_back(transfer, progress)
    from nfclease._operations.converted import Streams

    async with Streams(backend, lease.moid) as made:
        path, stream = await made.of_path(source)
        if stream is None:
            transfer = await _start_upload(lease, backend, item, path)
        else:
            kept = await backend.for_call(lambda: _core.Source.of_open_path(stream))
            transfer = await _start_upload(lease, backend, unsized(item), kept, path=path)
    return called_back(transfer, progress)


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
        return tracked_by(lease, tracked, device_url, url)
