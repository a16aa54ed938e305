"""Fast, verified VM disk export and import over a vSphere ``HttpNfcLease``.

Examples:
    >>> from nfclease import HttpNfcLease
    >>> with HttpNfcLease(vm.ExportVm()) as lease:
    ...     info = lease.wait_ready()
    ...     results = lease.download_all(directory)
"""

import atexit
import sys

if "free-threading" in sys.version:  # as CPython documents; sysconfig would cost the import more
    raise ImportError(
        "nfclease was never tried on a free-threaded Python, whose pip builds it from source: "
        "use the usual build of Python, with the GIL"
    )

from nfclease._log import logger as _logger
from nfclease.exceptions import (
    AmbiguousLeaseError,
    AmbiguousNameError,
    CallTimeoutError,
    ChecksumMismatchError,
    ConnectError,
    DiskFormatError,
    ForkError,
    HttpStatusError,
    InsecureUrlError,
    IntegrityError,
    InternalError,
    JournalError,
    JournalInUseError,
    LeaseCompleteError,
    LeaseError,
    LeaseInitError,
    LeaseLostError,
    LeaseStateError,
    LimitExceededError,
    ManifestError,
    MissingUploadError,
    NfcError,
    NotFoundError,
    PackageError,
    ProtocolError,
    SessionExpiredError,
    SizeMismatchError,
    SourceChangedError,
    StallError,
    ThumbprintMismatchError,
    TlsError,
    TransferCancelledError,
    TruncatedError,
    UnexpectedRedirectError,
    UnsafePathError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease._core import __version__
    from nfclease._open_leases import cancel_all
    from nfclease._rate import set_max_bytes_per_second
    from nfclease.appliance.copy_result import CopiedFile, CopyResult
    from nfclease.appliance.copying import copy_vm, copy_vm_async
    from nfclease.appliance.disk_info import DiskInfo
    from nfclease.appliance.export import export_vm, export_vm_async
    from nfclease.appliance.import_plan import ImportPlan, PlannedFile
    from nfclease.appliance.import_result import ImportedFile, ImportResult
    from nfclease.appliance.importing import import_vapp, import_vapp_async
    from nfclease.appliance.inspect import inspect, inspect_async
    from nfclease.appliance.manifest_file import ManifestEntry, ManifestFile
    from nfclease.appliance.package_info import PackageInfo
    from nfclease.appliance.planning import plan_import, plan_import_async
    from nfclease.appliance.results import ExportedFile, ExportResult
    from nfclease.appliance.verify import verify, verify_async
    from nfclease.appliance.verify_result import VerifiedDisk, VerifiedFile, VerifyResult
    from nfclease.async_lease import AsyncHttpNfcLease
    from nfclease.inventory.blocked import BlockedError
    from nfclease.lease import HttpNfcLease
    from nfclease.progress import TransferProgress
    from nfclease.transfer import Transfer, TransferResult

__all__ = [
    "AmbiguousLeaseError",
    "AmbiguousNameError",
    "AsyncHttpNfcLease",
    "BlockedError",
    "CallTimeoutError",
    "ChecksumMismatchError",
    "ConnectError",
    "CopiedFile",
    "CopyResult",
    "DiskFormatError",
    "DiskInfo",
    "ExportResult",
    "ExportedFile",
    "ForkError",
    "HttpNfcLease",
    "HttpStatusError",
    "ImportPlan",
    "ImportResult",
    "ImportedFile",
    "InsecureUrlError",
    "IntegrityError",
    "InternalError",
    "JournalError",
    "JournalInUseError",
    "LeaseCompleteError",
    "LeaseError",
    "LeaseInitError",
    "LeaseLostError",
    "LeaseStateError",
    "LimitExceededError",
    "ManifestEntry",
    "ManifestError",
    "ManifestFile",
    "MissingUploadError",
    "NfcError",
    "NotFoundError",
    "PackageError",
    "PackageInfo",
    "PlannedFile",
    "ProtocolError",
    "SessionExpiredError",
    "SizeMismatchError",
    "SourceChangedError",
    "StallError",
    "ThumbprintMismatchError",
    "TlsError",
    "Transfer",
    "TransferCancelledError",
    "TransferProgress",
    "TransferResult",
    "TruncatedError",
    "UnexpectedRedirectError",
    "UnsafePathError",
    "VerifiedDisk",
    "VerifiedFile",
    "VerifyResult",
    "__version__",
    "cancel_all",
    "copy_vm",
    "copy_vm_async",
    "export_vm",
    "export_vm_async",
    "import_vapp",
    "import_vapp_async",
    "inspect",
    "inspect_async",
    "plan_import",
    "plan_import_async",
    "set_max_bytes_per_second",
    "verify",
    "verify_async",
]

del TYPE_CHECKING

if "logging" in sys.modules:  # else the first lease makes it
    _logger()


@atexit.register  # now, not with the first lease: what a script registers later runs before it
def _end_at_exit() -> None:
    open_leases = sys.modules.get("nfclease._open_leases")
    core = sys.modules.get("nfclease._core")
    if open_leases is not None:
        open_leases.abort_at_exit()
    elif core is not None:  # of files alone: no thread of its own comes back to Python from now on
        core.finish_at_exit(0.0)


#: Loaded by who uses it: pyVmomi is most of it, and not every script has an event loop.
_LATER = {
    "AsyncHttpNfcLease": "async_lease",
    "HttpNfcLease": "lease",
    "BlockedError": "inventory.blocked",
    "CopiedFile": "appliance.copy_result",
    "CopyResult": "appliance.copy_result",
    "DiskInfo": "appliance.disk_info",
    "ExportResult": "appliance.results",
    "ExportedFile": "appliance.results",
    "ImportPlan": "appliance.import_plan",
    "ImportResult": "appliance.import_result",
    "ImportedFile": "appliance.import_result",
    "ManifestEntry": "appliance.manifest_file",
    "ManifestFile": "appliance.manifest_file",
    "PackageInfo": "appliance.package_info",
    "PlannedFile": "appliance.import_plan",
    "Transfer": "transfer",
    "TransferProgress": "progress",
    "TransferResult": "transfer",
    "__version__": "_core",
    "cancel_all": "_open_leases",
    "copy_vm": "appliance.copying",
    "copy_vm_async": "appliance.copying",
    "export_vm": "appliance.export",
    "export_vm_async": "appliance.export",
    "import_vapp": "appliance.importing",
    "import_vapp_async": "appliance.importing",
    "inspect": "appliance.inspect",
    "inspect_async": "appliance.inspect",
    "VerifiedDisk": "appliance.verify_result",
    "VerifiedFile": "appliance.verify_result",
    "VerifyResult": "appliance.verify_result",
    "plan_import": "appliance.planning",
    "plan_import_async": "appliance.planning",
    "set_max_bytes_per_second": "_rate",
    "verify": "appliance.verify",
    "verify_async": "appliance.verify",
}


def __getattr__(name: str) -> object:
    import importlib

    if name in _LATER:
        value = getattr(importlib.import_module(f"nfclease.{_LATER[name]}"), name)
        globals()[name] = value
        return value
    if name in _LATER.values():
        return importlib.import_module(f"nfclease.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "exceptions"]
