"""What an error knows of the transfer and the lease that it ended, as plain data."""

from __future__ import annotations

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["known_of"]

#: Attributes of ``NfcError``, which errors of local files and faults of vSphere get as well.
_TEXTS = ("phase", "disk_key", "file", "host", "lease_outcome")
_NUMBERS = ("bytes_done", "attempts")
#: Paths that are kept: a job writes as many files as its VM has devices.
_MOST = 100


def known_of(error: BaseException) -> dict[str, Any]:
    """The attributes of an error that a ``Failure`` has too, whatever it says of itself.

    Args:
        error: What ended a job, perhaps somebody else's, whose own methods may raise.

    Returns:
        What is there of ``phase``, ``disk_key``, ``file``, ``host``, ``lease_outcome``,
        ``bytes_done``, ``attempts`` and ``files_left``, each of its own kind.
    """
    found: dict[str, Any] = {}
    for name in _TEXTS:
        value = _attribute(error, name)
        if isinstance(value, str) and value:
            found[name] = escaped(value)
    for name in _NUMBERS:
        value = _attribute(error, name)
        if type(value) is int and value > 0:
            found[name] = value
    left = _attribute(error, "files_left")
    if isinstance(left, (list, tuple)):
        paths = tuple(path for path in left[:_MOST] if isinstance(path, str))
        if paths:
            found["files_left"] = paths
    return found


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except Exception:  # somebody's own property: it must not take the place of the error
        return None
