"""``copy_vm``: a VM, a vApp or a snapshot to another vCenter, through here."""

from __future__ import annotations

from nfclease._backends.blocking import run
from nfclease._backends.tracebacks import without_our_frames
from nfclease.appliance import _importing
from nfclease.appliance._copying import Job, copy
from nfclease.appliance._face import AsyncioFace, BlockingFace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from pyVmomi import vim
    from typing_extensions import Unpack

    from nfclease._arguments import LeaseOptions
    from nfclease.appliance._included import Include
    from nfclease.appliance.copy_result import CopyResult
    from nfclease.progress import ProgressOption

__all__ = ["copy_vm", "copy_vm_async"]


def copy_vm(
    entity: vim.VirtualMachine | vim.VirtualApp | vim.vm.Snapshot,
    resource_pool: vim.ResourcePool,
    *,
    snapshot: bool | vim.vm.Snapshot | None = None,
    include: Include = None,
    datastore: vim.Datastore | vim.StoragePod | None = None,
    folder: vim.Folder | None = None,
    host: vim.HostSystem | None = None,
    name: str | None = None,
    networks: Mapping[str, vim.Network | str] | None = None,
    disk_provisioning: str | None = None,
    export_options: Iterable[str] = (),
    power_on: bool = False,
    progress: ProgressOption = None,
    **options: Unpack[LeaseOptions],
) -> CopyResult:
    """Copies a VM to where a resource pool is, most often another vCenter, in one call.

    It is an export and an import at the same time, without a package between them: one lease in
    the session of `entity`, another in that of `resource_pool`, both kept alive. Each disk comes to
    ``TMPDIR`` (an upload has to say its length first, and no host says that of a disk), is verified
    against the source's lease manifest, sent, verified against the target's, and removed; a file
    whose size the lease says (``DeviceUrl.fileSize``) is sent while it comes, from 1 MiB on. Never
    more than `max_concurrency` files are there at once. After an error on either side
    each lease is aborted once, the files in ``TMPDIR`` are removed, and the server removes the new
    VM.

    Args:
        entity: The VM or vApp, switched off; or a snapshot, whose VM may run.
        resource_pool: Where the copy is to run: a resource pool, or a vApp to put it in.
        snapshot: As for ``export_vm``: True takes a snapshot, copies that, and removes it.
        include: As for ``export_vm``: the files beside the disks.
        datastore: As for ``import_vapp``, and so are `folder`, `host`, `networks`,
            `disk_provisioning` and `power_on`.
        folder: Where the copy is listed; None means the datacenter's own folder.
        host: To run on; None leaves the choice to the server.
        name: What the copy is called; None means the name of the VM.
        networks: From a network of the VM to one of the target's server, or to its name; ``"*"`` is
            every other one. One that is left out goes to the network of the same name.
        disk_provisioning: ``thin``, ``thick``, ``eagerZeroedThick`` or another of vSphere's words.
        export_options: Of the source's ``OvfManager.ovfExportOption``, such as ``mac``.
        power_on: Whether the copy is switched on at the end.
        progress: As for ``HttpNfcLease.download_all``: each file shows first what has come, then
            what was sent of it.
        **options: The keywords of ``HttpNfcLease``, for both leases, but for ``require_uploads``:
            every file that the target's server wants is sent. ``max_concurrency`` files are on
            their way at once; ``max_bytes_per_second`` limits each lease.

    Returns:
        The new entity, a row for each file, and what was odd.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: The VM has no such network, or the target's server; a datastore or folder must
            be said; or an argument is out of its range.
        vim.fault.InvalidPowerState: The VM runs, and no snapshot is copied.
        BlockedError: A task holds the VM; it says which.
        vmodl.MethodFault: A server refused a call, to describe the VM, or what describes it.
        AmbiguousLeaseError: The call that opens the lease had no answer, and was not sent again;
            the message says whether the server shows a lease of it.
        LeaseInitError: A lease never got ready.
        ChecksumMismatchError: A file is not what the source sent, twice, or not what the target
            received.
        OSError: ``TMPDIR`` cannot be written, or is full.
        NfcError: Any other failure of a transfer; see ``nfclease.exceptions``. ``lease`` and
            ``host`` say on which side.
        RuntimeError: A coroutine called; it would block its event loop.

    Examples:
        >>> result = nfclease.copy_vm(vm, resource_pool, name="moved-vm")
        >>> (result.name, {file.verified for file in result.files})
        ('moved-vm', {'manifest'})
    """
    job = _job(
        (entity, snapshot, include, export_options),
        resource_pool=resource_pool,
        datastore=datastore,
        folder=folder,
        host=host,
        name=name,
        networks=networks,
        disk_provisioning=disk_provisioning,
        power_on=power_on,
        progress=progress,
        options=options,
    )
    return run(copy(BlockingFace(), job), "copy_vm", "await copy_vm_async")


async def copy_vm_async(
    entity: vim.VirtualMachine | vim.VirtualApp | vim.vm.Snapshot,
    resource_pool: vim.ResourcePool,
    *,
    snapshot: bool | vim.vm.Snapshot | None = None,
    include: Include = None,
    datastore: vim.Datastore | vim.StoragePod | None = None,
    folder: vim.Folder | None = None,
    host: vim.HostSystem | None = None,
    name: str | None = None,
    networks: Mapping[str, vim.Network | str] | None = None,
    disk_provisioning: str | None = None,
    export_options: Iterable[str] = (),
    power_on: bool = False,
    progress: ProgressOption = None,
    **options: Unpack[LeaseOptions],
) -> CopyResult:
    """``copy_vm`` for code that runs in an event loop, with its arguments, result and errors.

    When the task is cancelled, both leases are aborted and the spool is removed before
    ``CancelledError`` goes on, within some seconds.

    Examples:
        >>> import asyncio
        >>> result = asyncio.run(nfclease.copy_vm_async(vm, resource_pool, name="copied-async"))
        >>> result.files[0].verified
        'manifest'
    """
    job = _job(
        (entity, snapshot, include, export_options),
        resource_pool=resource_pool,
        datastore=datastore,
        folder=folder,
        host=host,
        name=name,
        networks=networks,
        disk_provisioning=disk_provisioning,
        power_on=power_on,
        progress=progress,
        options=options,
    )
    return await without_our_frames(copy(AsyncioFace(), job))


def _job(source: tuple[Any, Any, Include, Iterable[str]], **target: Any) -> Job:
    """What is done: an import without a package, of what comes from `source`."""
    entity, snapshot, include, export_options = source
    nothing: dict[str, Any] = dict.fromkeys(
        ("source", "properties", "deployment_option", "ca_file", "ssl_thumbprint")
    )
    into = _importing.Job(**nothing, strict=False, pull=False, convert=False, **target)
    return Job(
        entity=entity,
        snapshot=snapshot,
        include=include,
        export_options=export_options,
        target=into,
    )
