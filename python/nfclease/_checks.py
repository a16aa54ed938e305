"""Checks of what callers pass in, with messages that say what is wanted."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport, vim

if TYPE_CHECKING:
    from nfclease._signatures import Readable


def check_lease(lease: object, ours: type) -> None:
    """Refuses what is no lease, and a lease that is one of ours already."""
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
    """Refuses the service instance itself, which is what comes to mind."""
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
    "verify_format": (bool, "True or False"),
    "verify_size": (bool, "True or False"),
    "max_unannounced_size": (int, "a number of bytes"),
    "allow_http": (bool, "True or False"),
}
_RANGES = {
    "max_concurrency": (1, 64),
    "max_retries": (0, 10),
    "max_unannounced_size": (1, 2**63 - 1),
}


def check_options(options: dict[str, Any]) -> None:
    """Refuses an option of another type or out of its range; the core checks seconds and words."""
    for name, value in options.items():
        kind, wanted = _TYPES[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")
    for name, (low, high) in _RANGES.items():
        if not low <= options[name] <= high:
            raise ValueError(f"{name} must be {low} to {high}, not {options[name]}")


def local_path(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Refuses what no file can be called, as ``open`` does."""
    if "\0" in os.fspath(path):
        raise ValueError("embedded null byte in a path")
    return path


def refuse_text(name: str, file: object, mode: str) -> None:
    """Refuses a file that takes or gives text."""
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{name} is a text file; open it in binary mode, {mode!r}")


def remaining_bytes(source: Readable) -> int:
    """The length to announce; vSphere's hosts refuse uploads without one."""
    try:
        start = source.tell()
        end = source.seek(0, os.SEEK_END)
        source.seek(start)
    except (AttributeError, OSError) as error:
        raise TypeError(
            "source must be seekable, so that its length can be announced; "
            "read it into a file or bytes first"
        ) from error
    return end - start
