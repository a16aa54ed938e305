"""``plan_import``: what an import would do, and whether it can."""

from __future__ import annotations

from nfclease._backends.blocking import run
from nfclease._backends.tracebacks import without_our_frames
from nfclease.appliance._face import AsyncioFace, BlockingFace
from nfclease.appliance._importing import Job, plan_package

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from pyVmomi import vim

    from nfclease._arguments import Readable
    from nfclease.appliance.import_plan import ImportPlan

__all__ = ["plan_import", "plan_import_async"]


def plan_import(
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
    pull: bool = False,
    convert: bool = False,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
) -> ImportPlan:
    """Says what ``import_vapp`` would do with the same arguments, and changes nothing.

    All is done that an import does before ``ImportVApp``: the package is opened and judged, what
    was left out is found on the server, and ``CreateImportSpec`` says what the server makes of the
    descriptor. No lease is opened. A stream is read to its descriptor, and cannot be imported then.

    Args:
        source: As for ``import_vapp``, and so are all others.
        resource_pool: Where it is to run.
        datastore: For its files.
        folder: Where it is listed.
        host: To run on.
        name: What it is called.
        networks: From a network of the descriptor to one of the server.
        properties: From a property's whole key to its value.
        deployment_option: The ``id`` of one of the descriptor's.
        disk_provisioning: ``thin``, ``thick`` or another of vSphere's words.
        strict: Whether everything odd about the package is an error.
        pull: Whether the host is to fetch the files itself.
        convert: Whether disks may be qcow2 images or raw: which they are is looked at, and no more.
            Not for a package that is read in order, whose disks nobody has seen before an import.
        ca_file: PEM file of the CAs to trust for an address.
        ssl_thumbprint: Of the certificate of an address's server.

    Returns:
        What would be made, of which files, where.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: The package or the server has no such thing, as for ``import_vapp``.
        PackageError: The package cannot be imported, or is refused by `strict`.
        DiskFormatError: A file that is to become a disk is not a whole streamOptimized VMDK.
        SizeMismatchError: A file is not as long as the descriptor says.
        OSError: The package cannot be read.
        vmodl.MethodFault: The server refused the descriptor or a choice.
        NfcError: An address's server cannot be reached, is not trusted, refuses or errs.
        RuntimeError: A coroutine called; it would block its event loop.

    Examples:
        >>> plan = nfclease.plan_import(package, resource_pool)
        >>> (plan.name, plan.bytes, sorted(plan.networks))
        ('demo', 71168, ['VM Network'])
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
        pull=pull,
        convert=convert,
        ca_file=ca_file,
        ssl_thumbprint=ssl_thumbprint,
    )
    return run(plan_package(BlockingFace(), job), "plan_import", "await plan_import_async")


async def plan_import_async(
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
    pull: bool = False,
    convert: bool = False,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
) -> ImportPlan:
    """``plan_import`` for code that runs in an event loop, with its arguments, result and errors.

    Examples:
        >>> import asyncio
        >>> asyncio.run(nfclease.plan_import_async(package, resource_pool)).bytes
        71168
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
        pull=pull,
        convert=convert,
        ca_file=ca_file,
        ssl_thumbprint=ssl_thumbprint,
    )
    return await without_our_frames(plan_package(AsyncioFace(), job))
