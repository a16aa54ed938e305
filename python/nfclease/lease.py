"""``HttpNfcLease``: pyvmomi's class, with the lease and the bytes in native hands."""

from __future__ import annotations

import warnings

from pyVmomi import vim

from nfclease import _core, _open_leases
from nfclease._arguments import check_lease, check_options, check_stub, required_uploads
from nfclease._backends.blocking import BLOCKING, refuse_in_coroutine, run
from nfclease._display.html import table
from nfclease._lease_core import LeaseCore
from nfclease._log import logger
from nfclease._operations import downloads, ending, ready, uploads
from nfclease._pyvmomi import logout
from nfclease._pyvmomi.lease import MirroredLease
from nfclease._pyvmomi.session import session_of
from nfclease._refused import aborts_when_refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self

    from nfclease._arguments import Also, Source, Target, Urls
    from nfclease.progress import Callback, ProgressOption
    from nfclease.transfer import Transfer, TransferResult

__all__ = ["HttpNfcLease"]


class HttpNfcLease(MirroredLease):
    """A ``vim.HttpNfcLease`` that keeps itself alive, moves the bytes natively and verifies them.

    It is the same managed object under the same reference: every attribute and method that is not
    described here is pyvmomi's own. As a context manager it ends in exactly one Complete or one
    Abort. When it cannot be made, a wrong option included, the lease that was passed gets one
    Abort, because nobody else may have it; a lease named by its moId is left alone.

    Args:
        lease: What ``ExportVm()``, ``ExportSnapshot()``, ``ExportVApp()`` or ``ImportVApp()``
            returned; or the lease's moId.
        stub: With a moId: the session's stub, ``service_instance._stub``.
        serverGuid: With a moId: as for pyvmomi's class.
        checksum_type: ``sha256`` is asked of the server before the first transfer
            (``HttpNfcLeaseSetManifestChecksumType``, vSphere API 6.7); ``sha1`` is SHA-1,
            which servers list unasked; so is None, but for a downloaded file of which the server
            lists only SHA-256.
        keep_alive: Whether a native thread renews the lease from now until it ends.
        keep_alive_interval: Seconds between two ``HttpNfcLeaseProgress``; None means a tenth of
            ``info.leaseTimeout``, at least 1 and at most 15.
        max_concurrency: Transfers at once, 1 to 64. Of more files, the longest start first.
        max_retries: Repetitions of one download, 0 to 10. A started POST is never repeated.
        retry_timeout: Seconds that the failures of one transfer may take in all.
        timeout: Seconds that a host may be silent before the transfer counts as stalled; the answer
            to the last byte of an upload gets 120 at least.
        require_manifest: Whether a download or upload without an entry in the lease manifest is
            an error (``ManifestError``) instead of ``verified="stream"``. With None, a server
            that lists other uploads of the lease must list each.
        require_uploads: What an import needs before the block ends in Complete
            (``MissingUploadError``): True is a file for each device, ``spec.fileItem`` a file for
            each item, since a descriptor may have disks that stay empty; False is nothing.
        verify_format: Whether a disk must be a whole streamOptimized VMDK, sent or received: by its
            ends, or with ``"grains"`` to each grain, which costs about a CPU second for a GiB.
        verify_size: Whether a source must be as long as its ``FileItem`` says, where that is not
            what a disk can hold; False only logs the difference.
        max_unannounced_size: The most bytes of a file whose size the lease does not say: one
            without `fileSize`, or a disk of a lease whose disks have no capacity.
        max_bytes_per_second: Bytes of files that all transfers move in a second, 1024 or more; None
            means without a limit. ``nfclease.set_max_bytes_per_second`` changes it, or limits the
            process.
        allow_http: Whether ``http://`` data URLs are accepted from an ``https`` session.

    Raises:
        TypeError: `lease` is not a ``vim.HttpNfcLease``, or has no session.
        ValueError: An argument is out of its range, or the session's trust cannot be read.

    Examples:
        >>> with HttpNfcLease(vm.ExportVm()) as lease:
        ...     info = lease.wait_ready()
        ...     results = lease.download_all(directory)
        >>> {result.verified for result in results}
        {'manifest'}
    """

    if TYPE_CHECKING:
        _nfc_shared: LeaseCore

    @aborts_when_refused
    def __init__(
        self,
        lease: vim.HttpNfcLease | str,
        stub: Any = None,
        serverGuid: str | None = None,  # noqa: N803
        *,
        checksum_type: str | None = None,
        keep_alive: bool = True,
        keep_alive_interval: float | None = None,
        max_concurrency: int = 4,
        max_retries: int = 2,
        retry_timeout: float = 180.0,
        timeout: float = 60.0,
        require_manifest: bool | None = None,
        require_uploads: bool | Iterable[vim.OvfManager.FileItem] = True,
        verify_format: bool | Literal["grains"] = True,
        verify_size: bool = True,
        max_unannounced_size: int = 16 << 30,
        max_bytes_per_second: int | None = None,
        allow_http: bool = False,
    ) -> None:
        if isinstance(lease, str):
            check_stub(stub)
            lease = vim.HttpNfcLease(lease, stub, serverGuid)
        elif stub is not None or serverGuid is not None:
            raise TypeError("stub and serverGuid go with a moId, not with a lease, which has them")
        check_lease(lease, HttpNfcLease)
        options: dict[str, Any] = {
            "checksum_type": checksum_type,
            "keep_alive": keep_alive,
            "keep_alive_interval": keep_alive_interval,
            "max_concurrency": max_concurrency,
            "max_retries": max_retries,
            "retry_timeout": retry_timeout,
            "timeout": timeout,
            "require_manifest": require_manifest,
            "require_uploads": required_uploads(require_uploads),
            "verify_format": verify_format,
            "verify_size": verify_size,
            "max_unannounced_size": max_unannounced_size,
            "max_bytes_per_second": max_bytes_per_second,
            "allow_http": allow_http,
        }
        check_options(options)
        logger()  # there before the core can have a record for it
        native = _core.Lease(session_of(lease._stub), lease._moId, **options)
        super().__init__(lease, native)
        shared = LeaseCore(self, native, self._nfc_plain, max_concurrency)
        object.__setattr__(self, "_nfc_shared", shared)  # pyvmomi's class takes no others
        _open_leases.add(shared)
        logout.watch(lease._stub, _open_leases.abort_at_logout)

    def wait_ready(self, timeout: float = ready.READY_TIMEOUT) -> vim.HttpNfcLease.Info:
        """Waits until the lease is ready.

        Args:
            timeout: Seconds to wait, 300 where none are given.

        Returns:
            ``HttpNfcLease.info``.

        Raises:
            LeaseInitError: The lease went into error, or `timeout` passed.
            LeaseLostError: The lease ended before.
            RuntimeError: A coroutine called; it would block its event loop.

        Examples:
            >>> lease.wait_ready(timeout=60).leaseTimeout
            300
        """
        waited = ready.wait_ready(self._nfc_shared, BLOCKING, timeout)
        info: vim.HttpNfcLease.Info = run(waited, "wait_ready")
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
        """Starts a download in the background; the arguments are those of ``download``.

        ``progress`` is a callable or None: it draws no bar. The callable runs in a thread of its
        own. When the transfer fails later, a directory that was made for it is not removed.
        """
        image = {
            "format": format,
            "qcow2_compression": qcow2_compression,
            "also": also,
            "block_device": block_device,
        }
        return downloads.start_download(
            self._nfc_shared, device_url, target, overwrite, progress, image
        )

    def download(
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
        """Downloads one device and verifies it.

        The bytes are written to ``target.part``; the final name appears only when framing, format,
        size and checksum agree (``HttpNfcLeaseGetManifest``). A broken download is repeated whole
        while the lease is ready.

        Args:
            device_url: One of ``info.deviceUrl``.
            target: A path, or a binary file object. The last level of the path's directory is made
                where it is missing, and removed again after an error that leaves it empty. A file
                object has no name to withhold: what was written before an error stays written.
            overwrite: Whether an existing file is replaced; it stays as it is until the new one is
                verified.
            format: ``"raw"`` or ``"qcow2"`` for an image of a disk in place of its stream, at a
                path. The stream is compared with the server's checksum as always, and each grain
                with its own, unless it is transplanted. A raw image is sparse where the file
                system can.
            qcow2_compression: ``"none"``, ``"deflate"`` or ``"transplant"``, as for
                ``nfclease.image.convert``. What a transplant moves is not decompressed: where the
                server has no checksum, ``verify_format="grains"`` compares each grain with its own.
            also: Other paths that the same download is written to, and the format of each, None
                for the stream: ``{"disk.qcow2": "qcow2"}``. They get their names when all are
                verified, or none does.
            block_device: Whether `target` is a block device, which is overwritten with a raw image
                (Linux): it must hold the disk, and nothing may use it. After an error it has a part
                of the disk, and is in ``files_left``.
            progress: True for a bar (a table in a notebook, lines in a log; needs
                ``nfclease[progress]``), or a callable that gets a ``TransferProgress`` at most
                five times a second. If it raises, the transfer ends with that exception.

        Returns:
            What moved, and how far it was verified.

        Raises:
            TypeError: An argument is of the wrong kind.
            ValueError: `format`, `also` or `qcow2_compression` is unknown, or a block device
                is to get something other than raw.
            RuntimeError: A coroutine called; it would block its event loop.
            OSError: The local file cannot be written; before any byte is asked for where that can
                be known.
            ChecksumMismatchError: The server's checksum differs, twice.
            TruncatedError: The stream ended early.
            DiskFormatError: A disk's stream is not a streamOptimized VMDK.
            ThumbprintMismatchError: The host's certificate is not the lease's.
            LeaseLostError: The lease ended meanwhile.
            NfcError: Any other failure; see ``nfclease.exceptions``.

        Examples:
            >>> lease.download(device_url, "disk-1.vmdk").verified
            'manifest'
        """
        image = {
            "format": format,
            "qcow2_compression": qcow2_compression,
            "also": also,
            "block_device": block_device,
        }
        operation = downloads.download(
            self._nfc_shared, BLOCKING, device_url, target, overwrite, progress, image=image
        )
        return run(operation, "download")

    def download_all(
        self,
        directory: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        progress: ProgressOption = None,
        urls: Urls = None,
    ) -> list[TransferResult]:
        """Downloads every device that has a ``targetId``, up to `max_concurrency` at once.

        Of more files than that, the longest starts first: disks by the capacity that the VM's
        virtual hardware says, which is read for that. Where it cannot be read, they start in the
        order of ``info.deviceUrl``.

        Args:
            directory: Where each ``targetId`` becomes a file name. Its last level is made where it
                is missing, and removed again when it stays empty after an error.
            overwrite: As for ``download``.
            progress: As for ``download``; a bar for each file and one for all.
            urls: Gives the address to use for a ``DeviceUrl``, where its host is reached by
                another name. The device's certificate or thumbprint stays what decides.

        Returns:
            One result for each file, in the order of ``info.deviceUrl``. A notebook shows the list
            as a table.

        Raises:
            UnsafePathError: A ``targetId`` could leave the directory or hit another file; nothing
                was asked for.
            OSError: The directory's parent is missing, it is read-only, or a file exists; nothing
                was asked for.
            TypeError: `urls` returned something other than a str; nothing was asked for.
            NfcError: A download failed; the others were cancelled.
            RuntimeError: A coroutine called; it would block its event loop.

        Examples:
            >>> [result.name for result in lease.download_all(directory)]
            ['disk-0.iso', 'disk-1.vmdk', 'disk-2.vmdk', 'disk-3.vmdk', 'demo-vm.nvram']
        """
        operation = downloads.download_all(
            self._nfc_shared, BLOCKING, directory, overwrite, progress, urls
        )
        return run(operation, "download_all")

    def start_upload(
        self,
        item: vim.OvfManager.FileItem | vim.HttpNfcLease.DeviceUrl,
        source: Source,
        *,
        progress: Callback = None,
        convert: bool = False,
    ) -> Transfer:
        """Starts an upload in the background; the arguments are those of ``upload``.

        A ``FileItem`` waits for ``info`` first, and is refused in a coroutine (RuntimeError).
        So is ``convert``, with which the streamOptimized disk is made before this returns: it takes
        room in ``TMPDIR`` until the transfer ends, on Linux and macOS without a name, so that
        nothing of it can stay. ``progress`` is a callable or None: it draws no bar. The callable
        runs in a thread of its own.
        """
        at_once = isinstance(item, vim.HttpNfcLease.DeviceUrl) and not convert
        operation = uploads.start_upload(
            self._nfc_shared, BLOCKING, item, source, progress, convert
        )
        return run(operation, "" if at_once else "start_upload")

    def upload(
        self,
        item: vim.OvfManager.FileItem | vim.HttpNfcLease.DeviceUrl,
        source: Source,
        *,
        progress: ProgressOption = None,
        convert: bool = False,
    ) -> TransferResult:
        """Uploads one file of an import and compares the server's sum.

        Args:
            item: An ``OvfManager.FileItem`` of ``CreateImportSpec``, matched to the device whose
                ``importKey`` is its ``deviceId``; PUT with ``Overwrite: t`` when it says
                ``create``, else POST. Or a ``DeviceUrl``: POST when it is a disk.
            source: A path, bytes, or a binary file object, read from where it stands to its end.
            progress: As for ``download``.
            convert: Whether the path of a qcow2 image or of a raw disk is taken, too, as
                ``image.convert`` takes it. A streamOptimized disk is made of it first, in
                ``TMPDIR``, and removed after the upload: the host wants to know how long it is.
                Else only such a disk is taken.

        Returns:
            What moved, and how far it was verified.

        Raises:
            TypeError: An argument is of the wrong kind.
            RuntimeError: A coroutine called; it would block its event loop.
            ValueError: No device of the lease has this ``importKey``.
            OSError: The source cannot be read.
            SizeMismatchError: The source is not as long as its descriptor says, or changed while
                it was read.
            DiskFormatError: The source of a disk is not a whole streamOptimized VMDK.
            HttpStatusError: The host refused the file.
            ChecksumMismatchError: The server received other bytes.
            LeaseLostError: The lease ended meanwhile.
            NfcError: Any other failure; see ``nfclease.exceptions``.

        Examples:
            >>> lease.upload(item, item.path).verified
            'manifest'
        """
        operation = uploads.upload(self._nfc_shared, BLOCKING, item, source, progress, convert)
        return run(operation, "upload")

    def upload_all(
        self,
        file_items: Iterable[vim.OvfManager.FileItem],
        source: str | os.PathLike[str],
        *,
        progress: ProgressOption = None,
        urls: Urls = None,
        convert: bool = False,
    ) -> list[TransferResult]:
        """Uploads the file of each item of an import, up to `max_concurrency` at once.

        Files of one device go one after another in the order of the items, since later ones may
        be deltas of those before. Where the package's descriptor has a delta (``parentRef``), all
        files do: only the server knows which device has the parent. Else, of more files than
        `max_concurrency`, the longest starts first.

        Args:
            file_items: The ``fileItem`` of ``CreateImportSpec``.
            source: The directory in which ``FileItem.path`` names the files; or an ``.ovf`` or an
                ``.ova``, whose members are read where they are. Of a directory, deltas are known
                where exactly one ``.ovf`` is in it; without that, files start in the order of the
                items.
            progress: As for ``download_all``.
            urls: As for ``download_all``.
            convert: Whether qcow2 images and raw disks are taken, too, as for ``upload``. The
                streams of all such disks are made before one file is sent, in ``TMPDIR``, with the
                capacities that the descriptor says, and removed after the last. The descriptor
                that ``CreateImportSpec`` got must call them streamOptimized.

        Returns:
            One result for each file, in the order of the items. A notebook shows the list as a
            table.

        Raises:
            TypeError: An argument is of the wrong kind; nothing was sent.
            UnsafePathError: An item's path leaves the directory; nothing was sent.
            FileNotFoundError: Files are missing; it names them all, and nothing was sent.
            PackageError: The package cannot be read, or a disk to convert is larger than its
                descriptor says; nothing was sent.
            DiskFormatError: A disk to convert is damaged, or of a kind that is not read; nothing
                was sent.
            ValueError: No device of the lease has an item's ``deviceId``; nothing was sent.
            NfcError: An upload failed; the others were cancelled. As for ``upload``.
            RuntimeError: A coroutine called; it would block its event loop.

        Examples:
            >>> {result.verified for result in lease.upload_all(spec.fileItem, ".")}
            {'manifest'}
        """
        operation = uploads.upload_all(
            self._nfc_shared, BLOCKING, file_items, source, progress, urls, convert
        )
        return run(operation, "upload_all")

    def close(self) -> None:
        """Aborts: cancels transfers, and sends one Abort while the lease is still held.

        Does nothing after Complete or Abort.

        Raises:
            RuntimeError: A coroutine called; it would block its event loop.

        Examples:
            >>> lease.close()
        """
        run(ending.abort(self._nfc_shared, BLOCKING, None), "close")

    def detach(self) -> vim.HttpNfcLease:
        """Hands the lease on: from now on somebody else renews and ends it.

        The keep-alive stops, and neither the end of the block, nor a drop, nor an exit ends the
        lease. Another process opens it with ``HttpNfcLease(moId, stub)``, within its
        ``leaseTimeout``. Nothing more can be transferred here.

        Returns:
            The plain lease of pyvmomi; its reference is ``_moId``.

        Raises:
            LeaseStateError: A transfer still runs, or the lease was ended before.
            NfcError: A transfer failed, and nobody has observed that; any of its errors.
            RuntimeError: A coroutine called; it would block its event loop.

        Examples:
            >>> plain = lease.detach()  # its _moId is what another process needs
            >>> plain.HttpNfcLeaseComplete()
        """
        plain: vim.HttpNfcLease = run(ending.detach(self._nfc_shared, BLOCKING), "detach")
        return plain

    def __enter__(self) -> Self:
        refuse_in_coroutine("__enter__", "'async with' an AsyncHttpNfcLease")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run(ending.exit_block(self._nfc_shared, BLOCKING, exc))

    def _repr_html_(self) -> str:
        """What is known without a call: the reference and where the lease is."""
        return table("HttpNfcLease", {"lease": self._moId, "state": self._nfc_core.phase()})

    def __del__(self) -> None:
        native: _core.Lease | None = self.__dict__.get("_nfc_core")
        if native is None or not native.is_held():
            return
        shared = self.__dict__.get("_nfc_shared")
        if shared is not None and _open_leases.is_held_beside(shared.plain, shared):
            native.hand_over()
        else:
            # First: a warning may be an error.
            native.abort_in_background("the lease object was dropped")
            warnings.warn(
                f"lease {self._moId} was dropped while it was held; it is aborted. "
                "Use 'with', or call Complete, Abort or close",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
