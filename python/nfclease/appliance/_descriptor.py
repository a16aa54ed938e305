"""``CreateDescriptor``: asked once before a byte moves, and once with what was received."""

from __future__ import annotations

import re
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from pyVmomi import vim, vmodl

from nfclease import _core
from nfclease._arguments import count
from nfclease._log import extra, logger
from nfclease._notes import add_note
from nfclease._text import escaped
from nfclease.appliance._said import text_of
from nfclease.exceptions import NfcError, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease.appliance._included import Included
    from nfclease.appliance.results import ExportedFile

#: As wide as the size of any file, for a draft that is to be as long as the descriptor.
_WIDE = 10**15 - 1


#: The moId of the ``OvfManager`` of each session that was asked: one that stays.
_managers: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def manager_of(entity: Any) -> Any:
    """The session's ``OvfManager``; calls, the first time."""
    stub = entity._stub
    moid = _managers.get(stub)
    if moid is None:
        content = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
        manager: Any = content.ovfManager
        moid = _managers[stub] = manager._moId
    return vim.OvfManager(moid, stub)


def checked_options(options: Iterable[str]) -> list[str]:
    """What the caller gave as ``export_options``.

    Raises:
        TypeError: It is one string, or no list.
    """
    if isinstance(options, str) or not isinstance(options, Iterable):
        raise TypeError(f"export_options must be a list of strings, not {options!r}")
    return list(options)


def check_export_options(manager: Any, options: Sequence[str]) -> None:
    """Refuses options that the server does not know, which it would ignore; calls if any is given.

    Raises:
        ValueError: An option is not on its list.
    """
    if not options:
        return
    known = {str(each.option) for each in manager.ovfExportOption or ()}
    for option in options:
        if option not in known:
            there = ", ".join(sorted(map(escaped, known))) or "none"
            raise ValueError(f"export_options: the server has no {option!r}; it has: {there}")


class Describing:
    """The descriptor of one export."""

    def __init__(
        self, manager: Any, entity: Any, name: str, options: list[str], snapshot: Any
    ) -> None:
        self._manager, self._entity = manager, entity
        self._params: dict[str, Any] = {
            "name": name,
            "exportOption": options,
            "snapshot": snapshot,
        }
        #: What the server finds odd about the last one that it wrote.
        self.warnings: list[str] = []

    def draft(self, files: list[Included]) -> bytes:
        """The descriptor before sizes are known; calls, and raises what is wrong already."""
        self._params["includeImageFiles"] = any(file.is_image for file in files)
        return self._create(
            vim.OvfManager.OvfFile(
                deviceId=file.device.key,
                path=file.name,
                size=count(file.device.fileSize) or _WIDE,
            )
            for file in files
        )

    def for_import(self, files: list[Included]) -> bytes:
        """The same without the sizes that nobody knows, which OVF leaves out; calls."""
        return re.sub(rb'\s[\w.:-]+size="%d"' % _WIDE, b"", self.draft(files))

    def final(self, files: Iterable[ExportedFile]) -> bytes:
        """The server's very text, of the files that were received; calls."""
        files = list(files)
        # Idle all the time that the disks took: what stands between may have ended the connection.
        self._manager._stub.DropConnections()
        text = self._create(
            vim.OvfManager.OvfFile(
                deviceId=file.key,
                path=file.name,
                size=file.size,
                capacity=file.capacity,
                populatedSize=file.populated_size,
            )
            for file in files
        )
        self.warnings += _odd_in(text, {file.name: file.size for file in files})
        return text

    def _create(self, files: Iterable[Any]) -> bytes:
        params = vim.OvfManager.CreateDescriptorParams(ovfFiles=list(files), **self._params)
        made = self._manager.CreateDescriptor(self._entity, params)
        if made is None:
            raise ProtocolError("CreateDescriptor answered with something else than a result")
        if made.error:
            fault, *others = made.error
            for note in ["CreateDescriptor cannot describe it", *map(text_of, others)]:
                add_note(fault, note)
            raise fault
        if not made.ovfDescriptor:
            raise ProtocolError("CreateDescriptor answered with neither a descriptor nor an error")
        self.warnings = [text_of(fault) for fault in made.warning or ()]
        text: str = made.ovfDescriptor
        return text.encode()

    def log_warnings(self, lease: str) -> None:
        """Tells them in the log."""
        for text in self.warnings:
            place = extra(lease, self._entity._moId)
            logger().warning("the descriptor of %s: %s", self._entity._moId, text, extra=place)


def _odd_in(descriptor: bytes, sizes: dict[str, int]) -> list[str]:
    """What the server's descriptor says of other files than those that were received.

    Raises:
        ProtocolError: It names a file that the package has not.
    """
    try:
        read = _core.parse_descriptor(descriptor)["files"]
    except NfcError as error:
        return [f"nfclease cannot read the descriptor: {error}"]
    named = {file["path"]: file["size"] for file in read}
    if missing := named.keys() - sizes.keys():
        names = ", ".join(sorted(map(escaped, missing)))
        raise ProtocolError(f"the descriptor names files that the server did not send: {names}")
    odd = [f"the descriptor does not name {name}" for name in sizes if name not in named]
    return odd + [
        f"the descriptor gives {name} {size} bytes, and it has {sizes[name]}"
        for name, size in named.items()
        if size not in (None, sizes[name])
    ]


def sums_of(lease: Any) -> dict[str, Any]:
    """The lease manifest by the keys of its devices; calls. A server without one has none."""
    try:
        entries = lease.GetManifest() or ()
    except (vmodl.fault.NotSupported, vmodl.fault.MethodNotFound):
        return {}
    return {entry.key: entry for entry in entries}
