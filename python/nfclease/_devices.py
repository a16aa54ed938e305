"""pyvmomi's device and file objects, as the core takes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from nfclease import _core
from nfclease.exceptions import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable


#: ``FileItem.cimType`` of a disk.
_CIM_DISK = 17


def core_device_url(device_url: Any, name: str = "", item: Any = None) -> _core.DeviceUrl:
    """A ``DeviceUrl`` for the core, by a name of ours or its own.

    Where it does not say whether it is a disk, the ``FileItem`` that goes to it does.

    Its sslCertificate is there from vSphere API 9.0 on.
    """
    if not isinstance(device_url, vim.HttpNfcLease.DeviceUrl):
        raise TypeError(f"a vim.HttpNfcLease.DeviceUrl is needed, not {type(device_url).__name__}")
    disk = device_url.disk
    if disk is None and getattr(item, "cimType", None) == _CIM_DISK:
        disk = True
    return _core.DeviceUrl(
        key=device_url.key or "",
        url=device_url.url or "",
        import_key=device_url.importKey or "",
        ssl_thumbprint=device_url.sslThumbprint or "",
        ssl_certificate=getattr(device_url, "sslCertificate", None) or "",
        disk=disk,
        target_id=name or device_url.targetId or "",
        file_size=count(device_url.fileSize),
    )


def count(number: Any) -> int | None:
    """A number that a server said; None where it said none, or nonsense."""
    return number if isinstance(number, int) and 0 < number < 1 << 63 else None


def display_name(device_url: Any) -> str:
    """``targetId``, else the last part of the URL's path; never the ticket in it."""
    path = re.split(r"[?#]", device_url.url or "")[0]
    name: str = device_url.targetId or path.rpartition("/")[2]
    return name or device_url.key


def host_name(device_url: Any, session_host: str) -> str:
    """The host that has the file; a star is the session's."""
    found = re.match(r"https?://(?:\[([^\]]*)\]|([^/:?#]*))", device_url.url or "")
    host: str = (found[1] or found[2]) if found else ""
    return session_host.partition(":")[0] if host == "*" else host


def transferable(info: Any) -> list[Any]:
    """The devices that have a file name; one without cannot be exported."""
    devices = [device_url for device_url in info.deviceUrl if device_url.targetId]
    keys = Counter(device_url.key for device_url in devices)
    for key, times in keys.items():
        if times > 1:
            raise ProtocolError(
                f"{times} deviceUrls of this lease have the key {printable(key)!r}, by which "
                "the lease manifest tells them apart"
            )
    return devices


def file_name(item: Any) -> str:
    """What a ``FileItem`` is called in its descriptor; the server has a name of its own for it."""
    path: str = getattr(item, "path", None) or ""
    return path.rpartition("/")[2]


def core_file_item(item: Any) -> _core.FileItem:
    """What an upload is, for the core: a ``FileItem``, or no more than its ``DeviceUrl``.

    The size of a file that is compressed or cut into chunks is not that of its disk.
    """
    if isinstance(item, vim.HttpNfcLease.DeviceUrl):
        create = None if item.disk is None else not item.disk
        return _core.FileItem(create=create, size=None, is_packed=False)
    packed = item.compressionMethod not in (None, "", "identity") or bool(item.chunkSize)
    size = None if packed else count(item.size)
    return _core.FileItem(create=bool(item.create), size=size, is_packed=packed)


def required_uploads(required: Any) -> Any:
    """The ``deviceId`` of each ``FileItem`` that is required; True and False as they are."""
    if not isinstance(required, Iterable) or isinstance(required, str):
        return required
    items = list(required)
    if not all(isinstance(item, vim.OvfManager.FileItem) for item in items):
        raise TypeError("require_uploads takes True, False or the FileItems of CreateImportSpec")
    return [item.deviceId for item in items]


#: As many as the core keeps of what a server said.
_LONGEST = 200


def printable(name: str) -> str:
    """A name from elsewhere, short, and without what a terminal would obey."""
    escaped = (
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in name[:_LONGEST]
    )
    return "".join(escaped) + ("..." if len(name) > _LONGEST else "")


def device_for(item: Any, info: Callable[[], Any]) -> Any:
    """The device that an upload goes to."""
    if isinstance(item, vim.HttpNfcLease.DeviceUrl):
        return item
    if not isinstance(item, vim.OvfManager.FileItem):
        raise TypeError(
            "item must be a vim.OvfManager.FileItem or a vim.HttpNfcLease.DeviceUrl, "
            f"not {type(item).__name__}"
        )
    found = [url for url in info().deviceUrl if url.importKey == item.deviceId]
    if len(found) == 1:
        return found[0]
    if found:
        raise ProtocolError(
            f"{len(found)} deviceUrls of this lease have the importKey {item.deviceId!r}; "
            "pass the DeviceUrl that is meant"
        )
    raise ValueError(
        f"no device of this lease has the importKey {item.deviceId!r}; "
        "was the lease made from the importSpec that came with this fileItem?"
    )
