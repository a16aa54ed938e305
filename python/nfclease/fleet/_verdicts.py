"""Which errors pass, when they do, and which never: by class, the nearest one that is listed."""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Verdict: TypeAlias = Literal["again", "later", "never"]

__all__ = ["ERRNOS", "of_class", "of_fault_name"]

#: Faults of vSphere, by their WSDL names.
FAULTS: dict[str, Verdict] = {
    # The host or vCenter did not do it this time.
    "HostCommunication": "again",
    "NoHost": "again",
    "NotAuthenticated": "again",
    "Timedout": "again",
    "SystemError": "again",
    "ConcurrentAccess": "again",
    "SnapshotFault": "again",
    "NetworkCopyFault": "again",
    # Something else is at work, or is switched off meanwhile.
    "TaskInProgress": "later",
    "FileLocked": "later",
    "SnapshotLocked": "later",
    "ResourceInUse": "later",
    "InsufficientResourcesFault": "later",
    "LimitExceeded": "later",
    "InvalidState": "later",
    "InvalidHostState": "later",
    "InvalidDatastoreState": "later",
    "InaccessibleDatastore": "later",
    "CannotAccessFile": "later",
    "ToolsUnavailable": "later",
    # States, shortages and mistakes that only a person ends.
    "SecurityError": "never",
    "InvalidLogin": "never",
    "InvalidArgument": "never",
    "InvalidRequest": "never",
    "NotSupported": "never",
    "ManagedObjectNotFound": "never",
    "NotFound": "never",
    "FileNotFound": "never",
    "DuplicateName": "never",
    "InvalidName": "never",
    "InvalidPowerState": "never",
    "MemorySnapshotOnIndependentDisk": "never",
    "MultipleSnapshotsNotSupported": "never",
    "SnapshotDisabled": "never",
    "SnapshotIncompatibleDeviceInVm": "never",
    "SnapshotNoChange": "never",
    "TooManySnapshotLevels": "never",
    "EncryptionKeyRequired": "never",
    "InsufficientStorageSpace": "never",
    "NoDiskSpace": "never",
    "NotEnoughLicenses": "never",
}

#: Errors of Python and of executors, by the names of their classes.
ERRORS: dict[str, Verdict] = {
    "MemoryError": "later",
    # The connection, where pyvmomi or a library of the caller's says so itself.
    "ConnectionError": "again",
    "TimeoutError": "again",
    "HTTPException": "again",
    "ExpatError": "again",
    "SSLEOFError": "again",
    "SSLZeroReturnError": "again",
    "SSLError": "never",
    # A worker that died: concurrent.futures, distributed, Celery's billiard, Ray.
    "BrokenExecutor": "again",
    "KilledWorker": "again",
    "CommClosedError": "again",
    "WorkerLostError": "again",
    "WorkerCrashedError": "again",
    "NodeDiedError": "again",
}

_NETWORK = ("EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "ENETRESET", "ESTALE", "EINTR")
_SHORT = ("EMFILE", "ENFILE", "EAGAIN", "EBUSY", "ENOMEM", "ETXTBSY", "ENOBUFS")
#: Of an ``OSError`` whose class says nothing.
ERRNOS: dict[int, Verdict] = {
    **{getattr(errno, name): "again" for name in _NETWORK if hasattr(errno, name)},
    **{getattr(errno, name): "later" for name in _SHORT if hasattr(errno, name)},
}


def of_class(kind: type) -> Verdict | None:
    """That of the class, else of the nearest class above it that is listed."""
    for each in kind.__mro__:
        space, _, name = each.__name__.rpartition(".")
        found = (FAULTS if space in ("vim.fault", "vmodl.fault") else ERRORS).get(name)
        if found is not None:
            return found
    return None


def of_fault_name(name: str) -> Verdict | None:
    """That of a fault of which only the WSDL name came over."""
    from pyVmomi import vim, vmodl

    for faults in (vim.fault, vmodl.fault):
        kind = getattr(faults, name, None) if name.isidentifier() else None
        if isinstance(kind, type):
            return of_class(kind)
    return None
