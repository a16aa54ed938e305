"""Which lease, VM, file and host: attributes of errors and of log records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nfclease.lease import HttpNfcLease


def name_place(error: Any, lease: HttpNfcLease) -> None:
    """Sets the attributes; the message gets the VM where it does not name it."""
    if getattr(error, "lease", ""):
        return
    error.lease, error.vm = lease._moId, lease._nfc_core.vm()
    key = getattr(error, "disk_key", "")
    for started in lease._started:
        if key and started.key == key:
            error.file, error.host = started.name, started.host
    text = error.args[0] if len(error.args) == 1 else None
    if isinstance(text, str) and not any(name and name in text for name in (error.vm, error.lease)):
        error.args = (f"{text} ({error.vm or 'lease ' + error.lease})",)


def extra(lease: str = "", vm: str = "", file: str = "", host: str = "") -> dict[str, str]:
    """For a record of Python's own; those of the core have the same attributes."""
    return {
        "nfclease_lease": lease,
        "nfclease_vm": vm,
        "nfclease_file": file,
        "nfclease_host": host,
    }
