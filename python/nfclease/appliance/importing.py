"""``import_vapp``: a package in, as a VM or a vApp."""

from __future__ import annotations

from nfclease._backends.blocking import run
from nfclease._backends.tracebacks import without_our_frames
from nfclease.appliance._face import AsyncioFace, BlockingFace
from nfclease.appliance._importing import Job, import_package

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from pyVmomi import vim
    from typing_extensions import Unpack

    from nfclease._arguments import LeaseOptions, Readable, Urls
    from nfclease.appliance.import_result import ImportResult
    from nfclease.progress import ProgressOption

__all__ = ["import_vapp", "import_vapp_async"]


def import_vapp(
    source: str | os.PathLike[str] | Readable | Iterable[bytes],
    resource_pool: vim.ResourcePool,
    *,
    datastore: vim.Datastore | vim.StoragePod | None = None,
    folder: vim.Folder | None = None,
    host: vim.HostSystem | None = None,
    name: str | None = None,
    networks: Mapping[str, vim.Network | str] | None = None,
    properties: Mapping[str, object] | None = None,
    deployment_option: str | None = None,
    disk_provisioning: str | None = None,
    strict: bool = False,
    power_on: bool = False,
    pull: bool = False,
    convert: bool = False,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
    progress: ProgressOption = None,
    urls: Urls = None,
    **options: Unpack[LeaseOptions],
) -> ImportResult:
    """Imports an OVF package as a new VM or vApp, every file verified, in one call.

    What can be known to be wrong is an error before ``ImportVApp``: files that are missing, disks
    that are not streamOptimized VMDKs, networks and properties that the descriptor does not have.
    While the files are sent, each is compared with its lines in the package's manifest file, and
    with what the server received; the lease is completed when all agree, else it is aborted, and
    the server removes the VM. Members of an ``.ova`` are read where they are; nothing is unpacked.
    Compressed files and pieces are sent as the disk that they are of.

    Args:
        source: The path of an ``.ova``, of an ``.ovf`` with its files beside it, or of the
            directory of one; the ``https://`` address of one of the first two; a binary file
            object of an ``.ova``; or its bytes, piece by piece. What cannot seek (a pipe, a
            server without Range) is read once, file by file; its descriptor must come first.
        resource_pool: Where it is to run: a resource pool, or a vApp to put it in.
        datastore: For its files; the datastore of a cluster of these that has the most room. None
            where there is only one to choose.
        folder: Where it is listed; None means the datacenter's own folder. Not for a vApp.
        host: To run on; None leaves the choice to the server.
        name: What it is called; None means the name in the descriptor.
        networks: From a network of the descriptor to one of the server, or to its name; ``"*"`` is
            every other one of the descriptor. One that is left out goes to the network of the same
            name.
        properties: From a property's whole key (``class.key.instance``) to its value: text, a
            number or a bool.
        deployment_option: The ``id`` of one of the descriptor's; None means its default.
        disk_provisioning: ``thin``, ``thick``, ``eagerZeroedThick`` or another of vSphere's words.
        strict: Whether everything odd about the package is an error: no manifest file, a file
            without a line in it, a ``.cert`` that nobody checks, a network that is not mapped.
        power_on: Whether it is switched on at the end.
        pull: Whether the host fetches the files of an address itself, where it can
            (``capabilities.pullModeSupported``): they do not come by here then. What it got is
            compared with the package's manifest file before the lease is completed.
        convert: Whether a disk of the package may be a qcow2 image, or a raw disk that is called
            ``.raw`` or ``.img``. A streamOptimized disk is made of each before the lease is
            opened, in ``TMPDIR``, and removed at the end; the manifest file's lines are compared
            with the package's own files. Of an address such a disk comes to ``TMPDIR`` first, one
            at a time; a package that is read in order is saved there as a whole. Not with `pull`.
        ca_file: PEM file of the CAs to trust for an address; the system's where none is given.
        ssl_thumbprint: Of the certificate of an address's server, which then decides alone.
        progress: As for ``HttpNfcLease.upload_all``.
        urls: As for ``HttpNfcLease.upload_all``.
        **options: The keywords of ``HttpNfcLease``, such as ``max_concurrency``, but for
            ``require_uploads``: every file that the server wants is sent.

    Returns:
        The new entity, a row for each file, what the server warned of and what is odd about the
        package.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: The descriptor has no such network, property or deployment option, or the
            server has no such network; or a datastore or folder must be said.
        PackageError: The package cannot be read, lacks files, contradicts itself, or is refused by
            `strict`.
        UnsafePathError: A file of the descriptor is not in the package.
        DiskFormatError: A file that is to become a disk is not a whole streamOptimized VMDK, nor
            with `convert` another disk that is read.
        SizeMismatchError: A file is not as long as the descriptor says.
        ChecksumMismatchError: A file is not what the manifest file says, or not what the server
            received.
        OSError: The package cannot be read.
        vmodl.MethodFault: The server refused the descriptor, a choice or a call.
        AmbiguousLeaseError: The call that opens the lease had no answer, and was not sent again;
            the message says whether the server shows a lease of it.
        LeaseInitError: The lease never got ready.
        NfcError: Any other failure of a transfer; see ``nfclease.exceptions``.
        RuntimeError: A coroutine called; it would block its event loop.

    Examples:
        >>> result = nfclease.import_vapp(package, resource_pool, name="copy-of-demo-vm")
        >>> (result.name, {file.verified for file in result.files})
        ('copy-of-demo-vm', {'manifest'})
    """
    job = Job(
        source=source,
        resource_pool=resource_pool,
        datastore=datastore,
        folder=folder,
        host=host,
        name=name,
        networks=networks,
        properties=properties,
        deployment_option=deployment_option,
        disk_provisioning=disk_provisioning,
        strict=strict,
        power_on=power_on,
        pull=pull,
        convert=convert,
        ca_file=ca_file,
        ssl_thumbprint=ssl_thumbprint,
        progress=progress,
        urls=urls,
        options=options,
    )
    return run(import_package(BlockingFace(), job), "import_vapp", "await import_vapp_async")


async def import_vapp_async(
    source: str | os.PathLike[str] | Readable | Iterable[bytes],
    resource_pool: vim.ResourcePool,
    *,
    datastore: vim.Datastore | vim.StoragePod | None = None,
    folder: vim.Folder | None = None,
    host: vim.HostSystem | None = None,
    name: str | None = None,
    networks: Mapping[str, vim.Network | str] | None = None,
    properties: Mapping[str, object] | None = None,
    deployment_option: str | None = None,
    disk_provisioning: str | None = None,
    strict: bool = False,
    power_on: bool = False,
    pull: bool = False,
    convert: bool = False,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
    progress: ProgressOption = None,
    urls: Urls = None,
    **options: Unpack[LeaseOptions],
) -> ImportResult:
    """``import_vapp`` for code that runs in an event loop, with its arguments, result and errors.

    When the task is cancelled, the lease is aborted before ``CancelledError`` goes on, within some
    seconds.

    Examples:
        >>> import asyncio
        >>> result = asyncio.run(nfclease.import_vapp_async(package, resource_pool, name="another"))
        >>> result.files[0].verified
        'manifest'
    """
    job = Job(
        source=source,
        resource_pool=resource_pool,
        datastore=datastore,
        folder=folder,
        host=host,
        name=name,
        networks=networks,
        properties=properties,
        deployment_option=deployment_option,
        disk_provisioning=disk_provisioning,
        strict=strict,
        power_on=power_on,
        pull=pull,
        convert=convert,
        ca_file=ca_file,
        ssl_thumbprint=ssl_thumbprint,
        progress=progress,
        urls=urls,
        options=options,
    )
    return await without_our_frames(import_package(AsyncioFace(), job))
