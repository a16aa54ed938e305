"""``inspect``: what is in a package, without importing it."""

from __future__ import annotations

import os
from itertools import count, takewhile

from nfclease import _core
from nfclease._backends.blocking import run
from nfclease._backends.tracebacks import without_our_frames
from nfclease._local.ends import local_path
from nfclease.appliance._address import is_address
from nfclease.appliance._face import AsyncioFace, BlockingFace
from nfclease.appliance._opened import opened
from nfclease.appliance._verified_disk import is_disk
from nfclease.appliance.disk_info import info_of_disk
from nfclease.appliance.manifest_file import ManifestFile
from nfclease.appliance.package_info import (
    PackageDeploymentOption,
    PackageDisk,
    PackageFile,
    PackageInfo,
    PackageNetwork,
    PackageProduct,
    PackageProperty,
    PackageSystem,
)
from nfclease.exceptions import PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from nfclease._arguments import Readable
    from nfclease.appliance._face import Face

__all__ = ["info_of", "inspect", "inspect_async"]

#: What a descriptor says of a disk that is exported.
_FORMAT = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"


def info_of(package: _core.Package | _core.Incoming) -> PackageInfo:
    """What an open package says of itself."""
    name = package.descriptor_name
    said = _core.parse_descriptor(package.descriptor, name=name, allow_outside=True)
    manifest, notes = _manifest(package)
    files = tuple(_file(package, file) for file in said["files"])
    notes = [*package.notes, *said["notes"], *notes]
    if package.in_order:
        notes.append("it was read to its descriptor: what comes behind that is not known")
    else:
        missing = [file for file in files if file.path is not None and file.stored_size is None]
        notes += [f"the file '{file.path}' is missing" for file in missing]
    options = tuple(PackageDeploymentOption(**option) for option in said["deployment_options"])
    return PackageInfo(
        name=name,
        version=said["version"],
        systems=tuple(map(_system, said["systems"])),
        files=files,
        disks=tuple(PackageDisk(**disk) for disk in said["disks"]),
        networks=tuple(PackageNetwork(**network) for network in said["networks"]),
        properties=tuple(PackageProperty(**_tuples(one)) for one in said["properties"]),
        deployment_options=options,
        products=tuple(PackageProduct(**product) for product in said["products"]),
        eulas=tuple(said["eulas"]),
        manifest=manifest,
        certificate=package.certificate,
        notes=tuple(notes),
    )


def _manifest(package: _core.Package | _core.Incoming) -> tuple[ManifestFile | None, list[str]]:
    """A manifest file that cannot be read is odd; only a check of the package needs it."""
    name, data = package.manifest_name, package.manifest
    if name is None or data is None:
        return None, []
    try:
        manifest = ManifestFile.parse(data, name=name)
    except PackageError as error:
        return None, [str(error)]
    return manifest, [f"{name}: {note}" for note in manifest.notes]


def _file(package: _core.Package | _core.Incoming, said: dict[str, Any]) -> PackageFile:
    size = None if isinstance(package, _core.Incoming) else _stored_size(package, said)
    return PackageFile(**said, stored_size=size)


def _stored_size(package: _core.Package, said: dict[str, Any]) -> int | None:
    href: str = said["href"]
    if said["path"] is None:
        return None
    if said["chunk_size"] is None:
        return package.member_size(href)
    sizes = takewhile(
        lambda size: size is not None,
        (package.member_size(f"{href}.{number:09d}") for number in count()),
    )
    return sum(size or 0 for size in sizes) or None


def _system(said: dict[str, Any]) -> PackageSystem:
    inside = tuple(map(_system, said["systems"]))
    return PackageSystem(**_tuples(said) | {"systems": inside})


def _tuples(said: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in said.items()}


def _of_disk(path: str) -> PackageInfo | None:
    """What a disk by itself says, as a package would say it; None if it is not a disk."""
    if not is_disk(path):
        return None
    image = info_of_disk(_core.OpenDisk.of_path(path))
    name = os.path.basename(path)
    file = PackageFile(
        id=name,
        href=name,
        path=name,
        size=None,
        stored_size=image.stored_size,
        chunk_size=None,
        compression="identity",
    )
    disk = PackageDisk(
        disk_id=name,
        file_ref=name,
        capacity=image.capacity,
        format=_FORMAT,
        populated_size=image.populated,
        parent_ref=None,
    )
    return PackageInfo(
        name=name,
        version="",
        systems=(),
        files=(file,),
        disks=(disk,),
        networks=(),
        properties=(),
        deployment_options=(),
        products=(),
        eulas=(),
        manifest=None,
        certificate=False,
        notes=(),
        image=image,
    )


async def _inspect(
    face: Face, source: Any, ca_file: str | os.PathLike[str] | None, ssl_thumbprint: str | None
) -> PackageInfo:
    opening = opened(face, source, ca_file=ca_file, ssl_thumbprint=ssl_thumbprint, whole=False)
    if isinstance(source, (str, os.PathLike)) and not is_address(source):
        path = os.fspath(local_path(source))
        found = await face.in_thread(lambda: _of_disk(path))
        if found is not None:
            return found
    async with opening as package:
        return await face.in_thread(lambda: info_of(package))


def inspect(
    source: str | os.PathLike[str] | Readable | Iterable[bytes],
    *,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
) -> PackageInfo:
    """Says what is in an OVF package: VMs, disks, networks, properties, and what is odd about it.

    The descriptor and the manifest file are read, of an archive its headers too, and nothing else:
    a package of any size takes a moment. Nothing is verified; ``verify`` does that.

    Args:
        source: The path of an ``.ova``, of an ``.ovf`` with its files beside it, or of the
            directory of one; the ``https://`` address of one of the first two, of which the
            first 64 KiB are read, and 16 KiB where each file of an archive begins; a binary
            file object of an ``.ova``; or its bytes, piece by piece. What cannot seek (a pipe,
            a server without Range) is read to its descriptor. The path of a ``.vmdk`` is that of
            a disk by itself, whose header, tables and text are read: the result has ``image``.
        ca_file: PEM file of the CAs to trust for an address; the system's where none is given.
        ssl_thumbprint: Of the certificate of an address's server, which then decides alone.

    Returns:
        What the descriptor says, the size of each file that is there, and notes on what is odd.

    Raises:
        TypeError: `source` is of the wrong kind.
        PackageError: It is not a package, or its descriptor contradicts itself.
        DiskFormatError: It is a disk that is damaged or cut, or no streamOptimized one.
        UnsafePathError: A member of the archive would leave the directory.
        LimitExceededError: The descriptor is longer than 12 MB, the manifest file than 1 MB, or
            deeper than any honest one.
        ValueError: An address is not ``https://``; or `ca_file` or `ssl_thumbprint` was given,
            and `source` is not an address.
        NfcError: An address's server cannot be reached, is not trusted, refuses or errs.
        OSError: It cannot be read.
        RuntimeError: A coroutine called; it would block its event loop.

    Examples:
        >>> info = nfclease.inspect(package)
        >>> [(system.name, system.hardware_versions) for system in info.systems]
        [('demo', ('vmx-13',))]
    """
    return run(_inspect(BlockingFace(), source, ca_file, ssl_thumbprint), "inspect")


async def inspect_async(
    source: str | os.PathLike[str] | Readable | Iterable[bytes],
    *,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
) -> PackageInfo:
    """What ``inspect`` says, from a coroutine: files are read in a thread.

    Args:
        source: As for ``inspect``.
        ca_file: As for ``inspect``.
        ssl_thumbprint: As for ``inspect``.

    Returns:
        As ``inspect``.

    Raises:
        NfcError: As ``inspect``, and the same others.

    Examples:
        >>> import asyncio
        >>> asyncio.run(nfclease.inspect_async(package)).notes
        ()
    """
    return await without_our_frames(_inspect(AsyncioFace(), source, ca_file, ssl_thumbprint))
