"""``AsyncHttpNfcLease``: the same lease for code that runs in an event loop."""

from __future__ import annotations

from nfclease._backends.asyncio import Asyncio
from nfclease._backends.tracebacks import without_our_frames
from nfclease._opening import opened, opener
from nfclease._operations import downloads, ending, ready, uploads
from nfclease._pyvmomi.session import request_context
from nfclease._pyvmomi.signatures import AsyncLeaseSignatures
from nfclease._refused import aborts_when_refused
from nfclease.lease import HttpNfcLease

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType
    from typing import Any, Literal

    from pyVmomi import vim, vmodl
    from typing_extensions import Self, Unpack

    from nfclease._arguments import Also, LeaseOptions, Source, Target, Urls
    from nfclease._lease_core import LeaseCore
    from nfclease.progress import Callback, ProgressOption
    from nfclease.transfer import Transfer, TransferResult

__all__ = ["AsyncHttpNfcLease"]


def _attribute(name: str) -> Any:
    """An attribute of the lease: one vSphere call, so that it is awaited."""

    def read(self: AsyncHttpNfcLease) -> Awaitable[Any]:
        return self._backend.for_call(lambda: getattr(self._lease, name))

    return property(read, doc=f"Awaitable ``HttpNfcLease.{name}``; one call.")


def _method(name: str) -> Callable[..., Awaitable[Any]]:
    """A method of the lease: one vSphere call."""

    async def call(self: AsyncHttpNfcLease, *args: Any, **kwargs: Any) -> Any:
        method = getattr(self._lease, name)
        return await self._backend.for_call(lambda: method(*args, **kwargs))

    call.__name__ = name
    call.__doc__ = f"Awaitable ``HttpNfcLease.{name}``; the same arguments, result and faults."
    return call


class AsyncHttpNfcLease(AsyncLeaseSignatures):
    """The twin of ``HttpNfcLease`` for asyncio: what waits there is awaited here.

    Options, arguments, results and errors are those of ``HttpNfcLease``. Bytes and keep-alive
    run natively in both; the loop is free meanwhile. vSphere's own calls (attributes, ``Progress``
    and the like) are made by pyvmomi, in a thread. Cancelling a task, a timeout, or an error of a
    sibling in a ``TaskGroup`` stops the transfer, removes its partial file and aborts the lease
    before ``CancelledError`` goes on, within 10 seconds. Use it in one event loop.

    Args:
        lease: What opens it, such as ``vm.ExportVm`` without its parentheses: a function without
            arguments that returns a ``vim.HttpNfcLease``. ``async with`` calls it in a thread, so
            that the loop is free meanwhile; when that is cancelled, the lease that still comes is
            aborted. Or what ``HttpNfcLease`` takes, as do all others.
        stub: With a moId.
        serverGuid: With a moId.
        **options: The keywords of ``HttpNfcLease``.

    Raises:
        TypeError: `lease` is not a ``vim.HttpNfcLease``, or has no session.
        ValueError: An option is out of its range.

    Examples:
        >>> import asyncio
        >>> from nfclease import AsyncHttpNfcLease
        >>> async def export(vm, directory):
        ...     async with AsyncHttpNfcLease(vm.ExportVm) as lease:
        ...         await lease.wait_ready()
        ...         return await lease.download_all(directory)
        >>> {result.verified for result in asyncio.run(export(vm, directory))}
        {'manifest'}
    """

    @aborts_when_refused
    def __init__(
        self,
        lease: vim.HttpNfcLease | str | Callable[[], vim.HttpNfcLease],
        stub: Any = None,
        serverGuid: str | None = None,  # noqa: N803
        **options: Unpack[LeaseOptions],
    ) -> None:
        self._backend = Asyncio(request_context)
        self._opened: HttpNfcLease | None = None
        self._open: Callable[[], HttpNfcLease] | None = None
        if isinstance(lease, type) or not callable(lease):
            self._opened = HttpNfcLease(lease, stub, serverGuid, **options)  # type: ignore[arg-type]
        elif stub is not None or serverGuid is not None:
            raise TypeError("stub and serverGuid go with a moId")
        else:
            self._open = opener(lease, options)

    @property
    def _lease(self) -> HttpNfcLease:
        if self._opened is None:
            raise RuntimeError("this lease is not open yet: 'async with' opens it")
        return self._opened

    @property
    def _shared(self) -> LeaseCore:
        return self._lease._nfc_shared

    @property
    def lease(self) -> HttpNfcLease:
        """The blocking twin, of the same lease; it can be passed to pyvmomi's calls.

        Raises:
            RuntimeError: ``async with`` has not opened it yet.
        """
        return self._lease

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<nfclease.AsyncHttpNfcLease of {self._opened or 'no lease yet'}>"

    def _repr_html_(self) -> str | None:
        return None if self._opened is None else self._opened._repr_html_()

    initializeProgress: Awaitable[int] = _attribute("initializeProgress")  # noqa: N815
    info: Awaitable[vim.HttpNfcLease.Info | None] = _attribute("info")
    state: Awaitable[vim.HttpNfcLease.State] = _attribute("state")
    error: Awaitable[Any] = _attribute("error")
    transferProgress: Awaitable[int] = _attribute("transferProgress")  # noqa: N815
    mode: Awaitable[str] = _attribute("mode")
    capabilities: Awaitable[vim.HttpNfcLease.Capabilities] = _attribute("capabilities")

    async def HttpNfcLeaseProgress(self, percent: int) -> None:  # noqa: N802
        """As ``HttpNfcLease.Progress``."""
        await self._backend.for_call(lambda: self._lease.Progress(percent))

    async def HttpNfcLeaseComplete(self) -> None:  # noqa: N802
        """As ``HttpNfcLease.Complete``; it verifies nothing, leaving the block does."""
        await self._backend.for_call(self._lease.Complete)

    async def HttpNfcLeaseAbort(self, fault: vmodl.MethodFault | None = None) -> None:  # noqa: N802
        """As ``HttpNfcLease.Abort``."""
        await self._backend.for_call(lambda: self._lease.Abort(fault))

    async def HttpNfcLeaseGetManifest(self) -> list[vim.HttpNfcLease.ManifestEntry]:  # noqa: N802
        """As ``HttpNfcLease.GetManifest``."""
        return await self._backend.for_call(self._lease.GetManifest)

    Progress = HttpNfcLeaseProgress
    Complete = HttpNfcLeaseComplete
    Abort = HttpNfcLeaseAbort
    GetManifest = HttpNfcLeaseGetManifest

    if not TYPE_CHECKING:  # _pyvmomi/signatures.py has them
        HttpNfcLeaseSetManifestChecksumType = _method("SetManifestChecksumType")
        HttpNfcLeasePullFromUrls_Task = _method("PullFromUrls")
        HttpNfcLeaseProbeUrls = _method("ProbeUrls")
        SetManifestChecksumType = HttpNfcLeaseSetManifestChecksumType
        PullFromUrls = HttpNfcLeasePullFromUrls_Task
        ProbeUrls = HttpNfcLeaseProbeUrls

    async def wait_ready(self, timeout: float = ready.READY_TIMEOUT) -> vim.HttpNfcLease.Info:
        """As ``HttpNfcLease.wait_ready``."""
        info: vim.HttpNfcLease.Info = await without_our_frames(
            ready.wait_ready(self._shared, self._backend, timeout)
        )
        return info

    def start_download(
        self,
        device_url: vim.HttpNfcLease.DeviceUrl,
        target: Target,
        *,
        overwrite: bool = False,
        format: Literal["raw", "qcow2"] | None = None,
        qcow2_compression: Literal["none", "deflate", "transplant"] | None = None,
        also: Also = None,
        block_device: bool = False,
        progress: Callback = None,
    ) -> Transfer:
        """As ``HttpNfcLease.start_download``; the transfer is awaited."""
        return self._lease.start_download(
            device_url,
            target,
            overwrite=overwrite,
            format=format,
            qcow2_compression=qcow2_compression,
            also=also,
            block_device=block_device,
            progress=progress,
        )

    async def download(
        self,
        device_url: vim.HttpNfcLease.DeviceUrl,
        target: Target,
        *,
        overwrite: bool = False,
        format: Literal["raw", "qcow2"] | None = None,
        qcow2_compression: Literal["none", "deflate", "transplant"] | None = None,
        also: Also = None,
        block_device: bool = False,
        progress: ProgressOption = None,
    ) -> TransferResult:
        """As ``HttpNfcLease.download``."""
        return await without_our_frames(
            downloads.download(
                self._shared,
                self._backend,
                device_url,
                target,
                overwrite,
                progress,
                image={
                    "format": format,
                    "qcow2_compression": qcow2_compression,
                    "also": also,
                    "block_device": block_device,
                },
            )
        )

    async def download_all(
        self,
        directory: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        progress: ProgressOption = None,
        urls: Urls = None,
    ) -> list[TransferResult]:
        """As ``HttpNfcLease.download_all``."""
        return await without_our_frames(
            downloads.download_all(
                self._shared, self._backend, directory, overwrite, progress, urls
            )
        )

    async def start_upload(
        self,
        item: vim.OvfManager.FileItem | vim.HttpNfcLease.DeviceUrl,
        source: Source,
        *,
        progress: Callback = None,
        convert: bool = False,
    ) -> Transfer:
        """As ``HttpNfcLease.start_upload``; awaited, since it may ask for ``info``."""
        return await without_our_frames(
            uploads.start_upload(self._shared, self._backend, item, source, progress, convert)
        )

    async def upload(
        self,
        item: vim.OvfManager.FileItem | vim.HttpNfcLease.DeviceUrl,
        source: Source,
        *,
        progress: ProgressOption = None,
        convert: bool = False,
    ) -> TransferResult:
        """As ``HttpNfcLease.upload``."""
        return await without_our_frames(
            uploads.upload(self._shared, self._backend, item, source, progress, convert)
        )

    async def upload_all(
        self,
        file_items: Iterable[vim.OvfManager.FileItem],
        source: str | os.PathLike[str],
        *,
        progress: ProgressOption = None,
        urls: Urls = None,
        convert: bool = False,
    ) -> list[TransferResult]:
        """As ``HttpNfcLease.upload_all``."""
        return await without_our_frames(
            uploads.upload_all(
                self._shared, self._backend, file_items, source, progress, urls, convert
            )
        )

    async def close(self) -> None:
        """As ``HttpNfcLease.close``."""
        await without_our_frames(ending.abort(self._shared, self._backend, None))

    async def detach(self) -> vim.HttpNfcLease:
        """As ``HttpNfcLease.detach``."""
        plain: vim.HttpNfcLease = await ending.detach(self._shared, self._backend)
        return plain

    async def __aenter__(self) -> Self:
        self._backend.check()
        if self._opened is None and self._open is not None:
            call, self._open = self._open, None
            self._opened = await without_our_frames(opened(call, self._backend))
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await without_our_frames(ending.exit_block(self._shared, self._backend, exc))
