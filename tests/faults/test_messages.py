"""The messages that `docs/errors.md` shows are those that the errors have."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease, fleet
from nfclease.inventory import find
from nfclease.simulator import Simulator

from ..support.leases import disk_of
from ..support.packages import package, written
from ..support.waiting import wait_for

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
#: Bases, which are not raised themselves, and what takes more than a fault of the simulator.
WITHOUT = {
    "NfcError",
    "IntegrityError",
    "LeaseError",
    "CallTimeoutError",
    "TlsError",
    "ForkError",
    "InternalError",
}
PACKAGE_CALL = "HttpNfcLeaseGetManifest"


class Here(NamedTuple):
    """What a cause has to play with."""

    simulator: Simulator
    service: Any
    vm: Any
    folder: Path


def export(here: Here, **options: Any) -> None:
    with HttpNfcLease(here.vm.ExportVm(), max_retries=0, timeout=1.0, **options) as lease:
        lease.download(disk_of(lease), here.folder / "disk-1.vmdk")


def injected(kind: str, disk: str = ".vmdk", **params: Any) -> Callable[[Here], None]:
    """An export with a fault of the simulator."""

    def cause(here: Here) -> None:
        here.simulator.inject(kind, disk=disk, **params)
        export(here, require_manifest=True)

    return cause


def answered(method: str, kind: str, **params: Any) -> Callable[[Here], None]:
    """The same with a fault of a call."""

    def cause(here: Here) -> None:
        here.simulator.inject(kind, method=method, **params)
        export(here)

    return cause


def lease_fails(here: Here) -> None:
    here.simulator.inject("init_error")
    export(here)


def named_outside(here: Here) -> None:
    here.simulator.inject("target_id", disk="disk-1", value="../disk-1.vmdk")
    with HttpNfcLease(here.vm.ExportVm()) as lease:
        lease.download_all(here.folder)


def used_after_its_end(here: Here) -> None:
    with HttpNfcLease(here.vm.ExportVm()) as lease:
        disk = disk_of(lease)
    lease.download(disk, here.folder / "disk-1.vmdk")


def no_answer(here: Here) -> None:
    here.simulator.inject("drop", method="ExportVm", count=1)
    nfclease.export_vm(here.vm, here.folder / "package")


def written_meanwhile(here: Here) -> None:
    where = written(here.folder / "package", package())
    held = here.simulator.inject("soap_delay", method="ImportVApp", seconds=None)

    def change() -> None:
        wait_for(lambda: here.simulator.calls("ImportVApp"))
        os.utime(where / "disk.vmdk", (1, 1))
        here.simulator.clear(held)

    with ThreadPoolExecutor() as pool:
        changed = pool.submit(change)
        try:
            nfclease.import_vapp(where, here.vm.resourcePool, folder=here.vm.parent, name="changed")
        finally:
            changed.result()


def logged_out(here: Here) -> None:
    with HttpNfcLease(here.vm.ExportVm()) as lease:
        disk = disk_of(lease)
        here.service.content.sessionManager.Logout()
        lease.download(disk, here.folder / "disk-1.vmdk")


def cancelled(here: Here) -> None:
    here.simulator.inject("stall", disk=".vmdk")
    with HttpNfcLease(here.vm.ExportVm()) as lease:
        transfer = lease.start_download(disk_of(lease), here.folder / "disk-1.vmdk")
        transfer.cancel()
        transfer.result()


def nothing_uploaded(here: Here) -> None:
    with HttpNfcLease(here.vm.ExportVm()) as lease:
        files = lease.download_all(here.folder)
    from ..support.imports import import_spec, import_vm

    spec = import_spec(here.service, here.vm, "empty", files)
    with HttpNfcLease(import_vm(here.vm, spec)) as lease:
        lease.wait_ready(10)


def longer_than_its_item(here: Here) -> None:
    members = package()
    members["demo.ovf"] = re.sub(rb'ovf:size="\d+"', b'ovf:size="7"', members["demo.ovf"])
    where = written(here.folder / "package", {"demo.ovf": members["demo.ovf"], **members})
    os.remove(where / "demo.mf")
    nfclease.import_vapp(where, here.vm.resourcePool, folder=here.vm.parent, name="longer")


def broken_descriptor(here: Here) -> None:
    where = written(here.folder / "package", {**package(), "demo.ovf": b"<Envelope>"})
    nfclease.inspect(where)


def not_there(here: Here) -> None:
    find(here.service, "demo-vn", vim.VirtualMachine)


def there_twice(here: Here) -> None:
    for folder in ("a", "b"):
        here.simulator.add_vm("twin", disks=0, folder=folder)
    find(here.service, "twin", vim.VirtualMachine)


def held(here: Here) -> None:
    here.simulator.hold_vm("demo-vm")
    try:
        nfclease.export_vm(here.vm, here.folder / "package")
    finally:
        here.simulator.free_vm("demo-vm")


def another_file(here: Here) -> None:
    path = here.folder / "nightly.db"
    path.write_bytes(b"something else")
    fleet.Journal(path)


def two_drivers(here: Here) -> None:
    with fleet.Journal(here.folder / "nightly.db"):
        fleet.Journal(here.folder / "nightly.db")


CAUSES: dict[str, Callable[[Here], None]] = {
    "ConnectError": injected("cut", after_bytes=0),
    "ThumbprintMismatchError": injected("device_url", disk="disk-1", sslThumbprint="00" * 20),
    "InsecureUrlError": injected("http_url"),
    "UnexpectedRedirectError": injected("redirect", location="https://elsewhere.example.com/"),
    "HttpStatusError": injected("status", code=503, body="maintenance"),
    "StallError": injected("stall", after_bytes=0),
    "TruncatedError": injected("cut", after_bytes=1000, how="clean"),
    "ProtocolError": answered(PACKAGE_CALL, "raw_reply", body="<html>"),
    "LimitExceededError": answered(PACKAGE_CALL, "raw_reply", body="<a>" * 100_000),
    "ChecksumMismatchError": injected("flip", offset=5000),
    "SizeMismatchError": longer_than_its_item,
    "ManifestError": injected("manifest", disk="disk-1", missing=True),
    "MissingUploadError": nothing_uploaded,
    "DiskFormatError": injected("html"),
    "PackageError": broken_descriptor,
    "UnsafePathError": named_outside,
    "NotFoundError": not_there,
    "AmbiguousNameError": there_twice,
    "BlockedError": held,
    "AmbiguousLeaseError": no_answer,
    "SourceChangedError": written_meanwhile,
    "LeaseInitError": lease_fails,
    "LeaseLostError": injected("expire", after_bytes=1000),
    "SessionExpiredError": logged_out,
    "LeaseCompleteError": answered("HttpNfcLeaseComplete", "soap_fault", message="not now"),
    "LeaseStateError": used_after_its_end,
    "TransferCancelledError": cancelled,
    "JournalError": another_file,
    "JournalInUseError": two_drivers,
}

#: What is another in each run, and what stands for it on the page.
STANDS_FOR = (
    (r"(127\.0\.0\.\d|localhost)(:\d+)?", "esx7"),
    (r"\b[0-9a-f]{40,64}\b", "5f3a..."),
    (r"\b(vm|task|session)-\d+\b", r"\1-42"),
    (r"\blease-\d+\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\bsession\[[^ ]*\b", "lease-7"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z| UTC)?", "2026-01-31 12:00:00"),
    (r"\bprocess \d+ on [\w.-]+", "process 1234 on backup1"),
    (r"/[\w/.-]*/(?=nightly\.db|package)", "/backup/"),
)


def as_shown(text: str) -> str:
    """A message as the page has it."""
    for pattern, shown in STANDS_FOR:
        text = re.sub(pattern, shown, text)
    return text


def shown() -> dict[str, str]:
    """The messages of the page, by the class."""
    rows = re.findall(
        r"^\| `(\w+)` \| ``(.+)`` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return dict(rows)


def test_each_error_has_one() -> None:
    public = {name for name in nfclease.__all__ if name.endswith("Error")}
    assert public - WITHOUT == CAUSES.keys() == shown().keys()


@pytest.mark.parametrize("name", CAUSES)
def test_it_is_the_message(
    name: str, simulator: Simulator, service: Any, demo_vm: Any, tmp_path: Path
) -> None:
    with pytest.raises(getattr(nfclease, name)) as raised:
        CAUSES[name](Here(simulator, service, demo_vm, tmp_path))
    assert type(raised.value).__name__ == name
    assert shown().get(name) == as_shown(str(raised.value))
