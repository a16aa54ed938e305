"""``export_vm``: a VM, a vApp or a snapshot out to a package."""

from __future__ import annotations

from nfclease._backends.blocking import run
from nfclease._backends.tracebacks import without_our_frames
from nfclease.appliance._exporting import Job, export
from nfclease.appliance._face import AsyncioFace, BlockingFace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Literal

    from pyVmomi import vim
    from typing_extensions import Unpack

    from nfclease._arguments import LeaseOptions, Writable
    from nfclease.appliance._included import Include
    from nfclease.appliance.results import ExportResult
    from nfclease.progress import ProgressOption

__all__ = ["export_vm", "export_vm_async"]


def export_vm(
    entity: vim.VirtualMachine | vim.VirtualApp | vim.vm.Snapshot,
    target: str | os.PathLike[str] | Writable,
    *,
    snapshot: bool | vim.vm.Snapshot | None = None,
    include: Include = None,
    manifest: Literal["sha1", "sha256", "sha512"] | None = "sha256",
    name: str | None = None,
    overwrite: bool = False,
    export_options: Iterable[str] = (),
    disk_format: Literal["raw", "qcow2"] | None = None,
    qcow2_compression: Literal["none", "deflate", "transplant"] | None = None,
    resume: bool = False,
    progress: ProgressOption = None,
    **options: Unpack[LeaseOptions],
) -> ExportResult:
    """Exports a VM to an OVF directory or an OVA: descriptor and files, verified, in one call.

    The package appears under its name when all of it is there: every file was verified against
    the lease manifest, descriptor and manifest file are written, all of it is on the disk, and the
    lease is completed. A disk that gets full aborts the lease, also with the last byte; a file
    object has all of the archive before Complete. After an error the target is as it was, the lease
    was aborted once, and a snapshot that was taken is removed. The descriptor is the server's very
    text (``OvfManager.CreateDescriptor``), made of the bytes that were received.

    Args:
        entity: The VM or vApp, switched off; or a snapshot, whose VM may run.
        target: What ends in ``.ova`` is one archive, which is written in one pass: the first file
            goes straight into it, others that come meanwhile are spooled beside it
            (``max_concurrency=1`` needs no room for them; where one stream is faster than
            128 MiB/s, another begins only on a core of its own). Any other path is the package's
            directory. Both are made; their parent has to be there. Or a binary file object, which
            gets an archive whose files are all spooled in the system's temporary directory first.
            Of more files than `max_concurrency`, the longest starts first, and an archive has them
            in that order.
        snapshot: None exports the VM as it is. True takes a snapshot of it, quiesced where VMware
            Tools run, exports that, and removes it on every way out. Or a snapshot of this VM.
        include: Which files beside the disks. None takes all but images of CDs and floppy disks,
            which is the nvram; patterns of file names take what they match, such as
            ``["*.nvram", "*.iso"]``. Or a callable that gets each ``DeviceUrl``, disks too, and
            says whether its file is wanted.
        manifest: The sums of the manifest file (``.mf``), which are computed while the files come;
            None writes none. Products from before 2017 know SHA-1 alone.
        name: What the VM is called in the package; None means its own name. Descriptor and manifest
            file are named after it.
        overwrite: Whether a package that is there is replaced, once the new one is whole. A
            directory with anything else in it is never touched.
        export_options: Of the server's ``OvfManager.ovfExportOption``, such as ``mac`` and
            ``extraconfig``.
        disk_format: What the disks become. None leaves them as the host sends them, which vSphere
            imports. ``"raw"`` or ``"qcow2"`` makes an image of each while it comes, for another
            hypervisor, as ``HttpNfcLease.download`` does: ``NAME-disk-0.qcow2`` and so on, in a
            directory. The descriptor has their names, sizes and format, and the sums of the
            manifest file are theirs, for which each image is read once more.
        qcow2_compression: Of qcow2 images, as for ``HttpNfcLease.download``.
        resume: Whether disks that were verified are kept after a failure, in the folder
            ``.NAME.resume`` beside the target NAME, and those that an earlier export kept there
            are used: each is digested again first, and counts only where ``config.changeVersion``,
            the power state, and key, ``uuid``, ``contentId``, file and capacity of the disk are
            what they were. A success removes the folder. False leaves one that is there alone. An
            archive is put together at the end then, which needs room for its files twice.
        progress: As for ``HttpNfcLease.download_all``.
        **options: The keywords of ``HttpNfcLease``, such as ``max_concurrency``.

    Returns:
        The package, a row for each of its files, and what the server warned of.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: The server has no such export option, an argument is out of its range,
            `disk_format` is given for an archive, or `resume` with ``snapshot=True``, with
            `disk_format` or for a file object.
        FileExistsError: There is something at `target` that is not to be replaced.
        BlockingIOError: Another export with `resume` writes this target.
        PermissionError: Another user made what is at the place of the folder of `resume`.
        OSError: The package cannot be written there.
        UnsafePathError: The name of a file could leave the package, or two are the same.
        vim.fault.InvalidPowerState: The VM runs, and no snapshot is exported.
        BlockedError: A task holds the VM, such as that of a lease whose client died; it says which,
            since when, by whom and what frees it, and is also the server's
            ``vim.fault.TaskInProgress``.
        vmodl.MethodFault: The server refused a call, or to describe the VM.
        AmbiguousLeaseError: The call that opens the lease had no answer, and was not sent again;
            the message says whether the server shows a lease of it.
        LeaseInitError: The lease never got ready.
        ChecksumMismatchError: A file is not what the server sent, twice.
        NfcError: Any other failure of a transfer; see ``nfclease.exceptions``.
        RuntimeError: A coroutine called; it would block its event loop.

    Examples:
        >>> from nfclease import export_vm
        >>> result = export_vm(vm, "demo-vm")
        >>> [file.name for file in result.files]
        ['disk-1.vmdk', 'disk-2.vmdk', 'disk-3.vmdk', 'demo-vm.nvram']
    """
    job = Job(
        entity=entity,
        target=target,
        snapshot=snapshot,
        include=include,
        manifest=manifest,
        name=name,
        overwrite=overwrite,
        export_options=export_options,
        disk_format=disk_format,
        qcow2_compression=qcow2_compression,
        resume=resume,
        progress=progress,
        options=options,
    )
    return run(export(BlockingFace(), job), "export_vm", "await export_vm_async")


async def export_vm_async(
    entity: vim.VirtualMachine | vim.VirtualApp | vim.vm.Snapshot,
    target: str | os.PathLike[str] | Writable,
    *,
    snapshot: bool | vim.vm.Snapshot | None = None,
    include: Include = None,
    manifest: Literal["sha1", "sha256", "sha512"] | None = "sha256",
    name: str | None = None,
    overwrite: bool = False,
    export_options: Iterable[str] = (),
    disk_format: Literal["raw", "qcow2"] | None = None,
    qcow2_compression: Literal["none", "deflate", "transplant"] | None = None,
    resume: bool = False,
    progress: ProgressOption = None,
    **options: Unpack[LeaseOptions],
) -> ExportResult:
    """``export_vm`` for code that runs in an event loop; arguments, result and errors are its own.

    When the task is cancelled, the lease is aborted, the snapshot removed and the target as it was
    before ``CancelledError`` goes on, within some seconds.

    Examples:
        >>> import asyncio
        >>> from nfclease import export_vm_async
        >>> result = asyncio.run(export_vm_async(vm, "demo-vm", snapshot=True))
        >>> result.files[0].verified
        'manifest'
    """
    job = Job(
        entity=entity,
        target=target,
        snapshot=snapshot,
        include=include,
        manifest=manifest,
        name=name,
        overwrite=overwrite,
        export_options=export_options,
        disk_format=disk_format,
        qcow2_compression=qcow2_compression,
        resume=resume,
        progress=progress,
        options=options,
    )
    return await without_our_frames(export(AsyncioFace(), job))
