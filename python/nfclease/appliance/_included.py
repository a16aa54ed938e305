"""Which files of a lease an export takes, and what they are called in the package."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from nfclease import _core
from nfclease._arguments import transferable
from nfclease._text import escaped
from nfclease.exceptions import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from pyVmomi import vim

    #: Patterns of the files other than disks, or a callable that decides on every device.
    Include: TypeAlias = str | Iterable[str] | Callable[[vim.HttpNfcLease.DeviceUrl], bool] | None
    _Choice: TypeAlias = Callable[[Any], bool]

#: What a VM does without, and of whose presence the descriptor wants to know
#: (``includeImageFiles``).
_IMAGES = (".iso", ".flp", ".img", ".ima")


class Included(NamedTuple):
    """A device, and its file in the package."""

    device: Any
    name: str

    @property
    def is_disk(self) -> bool:
        """Whether it is a disk."""
        return _is_disk(self.device)

    @property
    def is_image(self) -> bool:
        """Whether it is an image of a CD or a floppy disk."""
        return _is_image(self.device)


def _is_disk(device: Any) -> bool:
    """Where the server does not say, its name does: no backup may lack a disk for that."""
    return bool(device.disk) or (device.disk is None and _has_ending(device, (".vmdk",)))


def _is_image(device: Any) -> bool:
    return not _is_disk(device) and _has_ending(device, _IMAGES)


def _has_ending(device: Any, endings: tuple[str, ...]) -> bool:
    name: str = device.targetId
    return name.lower().endswith(endings)


def choice(include: Include) -> _Choice:
    """Whether a device's file is wanted.

    Raises:
        TypeError: It is neither a callable nor patterns.
    """
    if callable(include):
        return include
    if include is None:
        return lambda device: not _is_image(device)
    if not isinstance(include, (str, Iterable)):
        raise TypeError(f"include must be patterns or a callable, not {type(include).__name__}")
    patterns: list[Any] = [include] if isinstance(include, str) else list(include)
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"include has a {type(pattern).__name__}; its patterns are strings")

    def is_wanted(device: Any) -> bool:
        name: str = device.targetId.lower()
        return _is_disk(device) or any(fnmatchcase(name, pattern.lower()) for pattern in patterns)

    return is_wanted


def included(info: Any, is_wanted: _Choice, others: list[str]) -> list[Included]:
    """The files to export; nobody has been asked for a byte yet.

    Args:
        info: ``HttpNfcLease.info``.
        is_wanted: Of each device that has a file name.
        others: The names of descriptor and manifest file.

    Raises:
        UnsafePathError: A name could leave the package, or two are the same.
        ProtocolError: Nothing is left to export.
    """
    devices = [device for device in transferable(info) if is_wanted(device)]
    if not devices:
        had = ", ".join(escaped(device.targetId or device.key) for device in info.deviceUrl)
        raise ProtocolError(f"the lease has no file to export; its devices: {had or 'none'}")
    names = _core.safe_names([file_name(device.targetId) for device in devices] + others)
    return [Included(device, name) for device, name in zip(devices, names, strict=False)]


def file_name(text: str) -> str:
    """A name that means the same file as an href does, where some readers decode percent signs."""
    return text.translate({ord(char): "_" for char in "%#?"})
