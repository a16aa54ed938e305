"""The files of ``FileItem``s in a directory or a package: all are found before one is sent."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple
from urllib.parse import unquote

from pyVmomi import vim

from nfclease import _core
from nfclease._local.ends import local_path
from nfclease._text import escaped
from nfclease.exceptions import NfcError, UnsafePathError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: ``FileItem.cimType`` of a disk.
CIM_DISK = 17
_SECTOR = 512


class Found(NamedTuple):
    """Files to send.

    Attributes:
        files: Each item with what is sent for it.
        has_deltas: Whether one may be the delta of another; None if unknown.
        package: What they are in, or whose descriptor is beside them; None without one.
    """

    files: list[tuple[Any, Any]]
    has_deltas: bool | None
    package: _core.Package | None


def sources_of(items: Iterable[Any], source: Any) -> Found:
    """Each item with what is sent for it.

    Raises:
        TypeError: `items` are something else, or `source` is neither a path nor a package.
        UnsafePathError: An item's path leaves the directory.
        FileNotFoundError: Files are missing; the message names all of them.
        PackageError: The package cannot be read, or lacks a piece of a file.
    """
    wanted = list(items)
    for item in wanted:
        if not isinstance(item, vim.OvfManager.FileItem):
            raise TypeError(
                "file_items takes the FileItems of CreateImportSpec (spec.fileItem), "
                f"not {type(item).__name__}"
            )
    if isinstance(source, _core.Package):
        return _of_package(wanted, source)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            "source must be the path of a directory, an .ovf or an .ova, "
            f"not {type(source).__name__}"
        )
    path = os.fspath(local_path(source))
    if not os.path.isdir(path) or any(map(_is_packed, wanted)):
        return _of_package(wanted, _core.Package.of_path(path))
    found = [(item, _file_of(item, path)) for item in wanted]
    _check_found(found, path)
    package = _package_beside(path)
    return Found(found, None if package is None else _may_have_deltas(package), package)


def has_deltas(descriptor: dict[str, Any]) -> bool:
    """Whether a disk of it is the delta of another."""
    return any(disk["parent_ref"] is not None for disk in descriptor["disks"])


def is_disk(item: Any) -> bool:
    """Whether it is to become a disk, and its file is stored in one piece."""
    return item.cimType == CIM_DISK and not item.create and not _is_packed(item)


def capacities_of(package: _core.Package | None) -> dict[str, int]:
    """Bytes of the disks that the descriptor makes of files, by the names that an item may have.

    A capacity of half a sector is left out; a descriptor that cannot be read has none at all.
    """
    try:
        said = {} if package is None else _core.parse_descriptor(package.descriptor)
    except NfcError:
        return {}
    disks = {disk["file_ref"]: disk["capacity"] for disk in said.get("disks", ())}
    return {
        name: capacity
        for file in said.get("files", ())
        if (capacity := disks.get(file["id"])) and not capacity % _SECTOR
        for name in (file["path"], file["href"])
    }


def _package_beside(directory: str) -> _core.Package | None:
    """The descriptor in a directory of files; None without exactly one."""
    try:
        return _core.Package.of_path(directory)
    except (NfcError, OSError):
        return None


def _may_have_deltas(package: _core.Package) -> bool:
    """One that cannot be read may have some: the server has its spec from another one."""
    try:
        return has_deltas(_core.parse_descriptor(package.descriptor))
    except NfcError:
        return True


def _of_package(items: list[Any], package: _core.Package) -> Found:
    sizes = [(item, True if item.chunkSize else package.member_size(item.path)) for item in items]
    _check_found(sizes, package.name)
    files = [(item, _source(item, package)) for item in items]
    return Found(files, _may_have_deltas(package), package)


def _source(item: Any, package: _core.Package) -> _core.Source:
    return package.source(
        item.path,
        chunk_size=item.chunkSize or None,
        size=item.size or None if item.chunkSize else None,
        gzip=item.compressionMethod == "gzip",
    )


def _is_packed(item: Any) -> bool:
    """Whether other bytes are stored than are sent."""
    return bool(item.chunkSize) or item.compressionMethod not in (None, "", "identity")


def _check_found(found: list[tuple[Any, Any]], where: str) -> None:
    missing = [escaped(item.path) for item, file in found if file is None]
    if missing:
        text = f"{os.strerror(errno.ENOENT)}, nothing was sent: {', '.join(missing)}"
        raise FileNotFoundError(errno.ENOENT, text, where)


def _file_of(item: Any, directory: str) -> str | None:
    """Its path is a reference, whose percent signs may stand for other characters."""
    for name in dict.fromkeys((item.path or "", unquote(item.path or ""))):
        _check(name)
        path = os.path.join(directory, *name.split("/"))
        if os.path.isfile(path):
            return path
    return None


def _check(name: str) -> None:
    odd = any(each in name for each in ("\0", "\\", ":"))
    if not odd and not {"", ".", ".."} & {*name.split("/")}:
        return
    raise UnsafePathError(
        f"{escaped(name)!r} is not the path of a file within the package: the server's FileItem "
        "has it from the descriptor's href; correct it there"
    )
