"""What callers pass in: the checks, whose messages say what is wanted, and the core's objects."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from pyVmomi import VmomiSupport, vim

from nfclease import _core
from nfclease._text import escaped
from nfclease.exceptions import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from typing import Any, Literal, Protocol, TypeAlias, TypedDict

    class Writable(Protocol):
        """A file object that a download is written to; only ``write`` is needed."""

        def write(self, data: bytes, /) -> object: ...

    class Readable(Protocol):
        """A file object that an upload reads; its length is found by seeking."""

        def read(self, size: int, /) -> bytes | None: ...
        def seek(self, offset: int, whence: int = ..., /) -> int: ...
        def tell(self) -> int: ...

    Target: TypeAlias = str | os.PathLike[str] | Writable
    #: Other paths of a download, and their formats; None means the stream.
    Also: TypeAlias = (
        Mapping[str | os.PathLike[str], Literal["raw", "qcow2"] | None]
        | Mapping[str, Literal["raw", "qcow2"] | None]
        | None
    )
    Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable

    #: From a ``DeviceUrl`` to the address to use in place of its own.
    Urls: TypeAlias = Callable[[vim.HttpNfcLease.DeviceUrl], str] | None

    class LeaseOptions(TypedDict, total=False):
        """The keywords of ``HttpNfcLease``."""

        checksum_type: str | None
        keep_alive: bool
        keep_alive_interval: float | None
        max_concurrency: int
        max_retries: int
        retry_timeout: float
        timeout: float
        require_manifest: bool | None
        require_uploads: bool | Iterable[vim.OvfManager.FileItem]
        verify_format: bool | Literal["grains"]
        verify_size: bool
        max_unannounced_size: int
        max_bytes_per_second: int | None
        allow_http: bool


#: ``FileItem.cimType`` of a disk.
_CIM_DISK = 17


def check_lease(lease: object, ours: type) -> None:
    """Refuses anything but a lease, and a lease that is one of ours already."""
    if not isinstance(lease, vim.HttpNfcLease):
        raise TypeError(
            "HttpNfcLease takes the vim.HttpNfcLease that ExportVm(), ExportSnapshot(), "
            f"ExportVApp() or ImportVApp() returned, not {type(lease).__name__}"
        )
    if isinstance(lease, ours):
        raise TypeError("this is an nfclease.HttpNfcLease already; use it as it is")
    if getattr(lease, "_stub", None) is None:
        raise TypeError(
            "this lease has no session (its _stub is None); HttpNfcLease takes a "
            "vim.HttpNfcLease of a session, or a moId and the session's stub"
        )


def check_stub(stub: object) -> None:
    """Refuses the service instance itself, which people pass first."""
    if isinstance(stub, VmomiSupport.ManagedObject):
        raise TypeError(
            f"stub must be the session's stub, such as service_instance._stub, not {stub!r}"
        )


#: The type of each option, and what to call it.
_TYPES: dict[str, tuple[Any, str]] = {
    "checksum_type": ((str, type(None)), "'sha1', 'sha256' or None"),
    "keep_alive": (bool, "True or False"),
    "keep_alive_interval": ((int, float, type(None)), "a number of seconds or None"),
    "max_concurrency": (int, "an int"),
    "max_retries": (int, "an int"),
    "retry_timeout": ((int, float), "a number of seconds"),
    "timeout": ((int, float), "a number of seconds"),
    "require_manifest": ((bool, type(None)), "True, False or None"),
    "require_uploads": ((bool, list), "True, False or a list of FileItems"),
    "verify_format": ((bool, str), "True, False or 'grains'"),
    "verify_size": (bool, "True or False"),
    "max_unannounced_size": (int, "a number of bytes"),
    "max_bytes_per_second": ((int, type(None)), "a number of bytes or None"),
    "allow_http": (bool, "True or False"),
}
#: The keywords of ``HttpNfcLease``.
LEASE_OPTIONS = frozenset(_TYPES)


def check_options(options: dict[str, Any]) -> None:
    """Refuses an option of another type, or a number that the core finds out of its range.

    The core judges seconds and words as well, when the lease is adopted.
    """
    for name, value in options.items():
        kind, wanted = _TYPES[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")
        if isinstance(value, int):
            _core.check_number(name, value)


def core_device_url(
    device_url: Any, name: str = "", item: Any = None, url: str | None = None
) -> _core.DeviceUrl:
    """A ``DeviceUrl`` for the core, by a name and an address of ours or its own.

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
        url=device_url.url or "" if url is None else url,
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


def capacity_of(disk: Any) -> int:
    """Bytes that a ``VirtualDisk`` can hold, which old servers say in KiB; 0 where none says."""
    return count(disk.capacityInBytes) or (count(disk.capacityInKB) or 0) << 10


def display_name(device_url: Any) -> str:
    """``targetId``, else the last part of the URL's path; never the ticket in it."""
    path = re.split(r"[?#]", device_url.url or "")[0]
    name: str = device_url.targetId or path.rpartition("/")[2]
    return name or device_url.key


def address_for(device_url: Any, urls: Urls) -> str | None:
    """What the caller has in place of the address of a device; None where its own is used."""
    if urls is None:
        return None
    url = urls(device_url)
    if not isinstance(url, str):
        raise TypeError(
            f"urls must return the address as a str, not {type(url).__name__}; "
            "return device_url.url where the server's own is right"
        )
    return url


def host_name(url: str, session_host: str) -> str:
    """The host that has the file; a star is the session's."""
    found = re.match(r"https?://(?:\[([^\]]*)\]|([^/:?#]*))", url)
    host: str = (found[1] or found[2]) if found else ""
    return session_host.partition(":")[0] if host == "*" else host


def transferable(info: Any) -> list[Any]:
    """The devices that have a file name; one without cannot be exported."""
    devices = [device_url for device_url in info.deviceUrl if device_url.targetId]
    keys = Counter(device_url.key for device_url in devices)
    for key, times in keys.items():
        if times > 1:
            raise ProtocolError(
                f"{times} deviceUrls of this lease have the key {escaped(key)!r}, by which "
                "the lease manifest tells them apart"
            )
    return devices


def file_name(item: Any) -> str:
    """What a ``FileItem`` is called in its descriptor; the server has a name of its own for it."""
    path: str = getattr(item, "path", None) or ""
    return path.rpartition("/")[2]


def core_file_item(item: Any, after_all: bool = False) -> _core.FileItem:
    """What an upload is, for the core: a ``FileItem``, or no more than its ``DeviceUrl``.

    The size of a file that is compressed or cut into chunks is not that of its disk. With
    ``after_all`` it waits for all uploads that were started before.
    """
    if isinstance(item, vim.HttpNfcLease.DeviceUrl):
        create = None if item.disk is None else not item.disk
        return _core.FileItem(create=create, size=None, is_packed=False, after_all=after_all)
    packed = item.compressionMethod not in (None, "", "identity") or bool(item.chunkSize)
    size = None if packed else count(item.size)
    create = bool(item.create)
    return _core.FileItem(create=create, size=size, is_packed=packed, after_all=after_all)


def unsized(item: Any) -> Any:
    """The same item without its size: what is sent for it was made of the file that has that."""
    if not isinstance(item, vim.OvfManager.FileItem):
        return item
    kept = ("deviceId", "path", "compressionMethod", "chunkSize", "cimType", "create")
    return vim.OvfManager.FileItem(**{name: getattr(item, name) for name in kept})


def required_uploads(required: Any) -> Any:
    """The ``deviceId`` of each ``FileItem`` that is required; True and False as they are."""
    if not isinstance(required, Iterable) or isinstance(required, str):
        return required
    items = list(required)
    if not all(isinstance(item, vim.OvfManager.FileItem) for item in items):
        raise TypeError("require_uploads takes True, False or the FileItems of CreateImportSpec")
    return [item.deviceId for item in items]


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
            "pass the DeviceUrl that you mean"
        )
    raise ValueError(
        f"no device of this lease has the importKey {item.deviceId!r}; "
        "was the lease made from the importSpec that came with this fileItem?"
    )
