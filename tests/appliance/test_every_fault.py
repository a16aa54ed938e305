"""Every fault of the simulator once through ``export_vm`` and ``import_vapp``.

One that breaks the job leaves the target as it was, or no VM, and a lease that was aborted once;
a snapshot that the job took is gone. Of the others the job says what it noticed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nfclease import NfcError, StallError, export_vm, export_vm_async
from nfclease.simulator import Simulator, faults

from ..support.importing import Importing
from ..support.inventory import find, unique
from ..support.jobs import Export
from ..support.leases import methods
from ..support.waiting import until

#: What breaks a transfer, of either direction, and the lease around it.
_DATA: dict[str, dict[str, Any]] = {
    "expire": {"disk": "disk-1", "after_bytes": 4096},
    "cut": {"disk": "disk-1", "after_bytes": 4096},
    "flip": {"disk": "disk-1", "offset": 9000},
    "stall": {"disk": "disk-1", "after_bytes": 4096},
    "bandwidth": {"disk": "disk-1", "bytes_per_second": 256},
    "status": {"disk": "disk-1", "code": 500},
    "html": {"disk": "disk-1"},
    "empty": {"disk": "disk-1"},
    "redirect": {"disk": "disk-1"},
    "wrong_certificate": {"listener": "host"},
    "http_url": {"disk": "disk-1"},
    "manifest": {"disk": "disk-1", "size": 1},
    "init_error": {},
    "soap_status": {"method": "HttpNfcLeaseComplete", "code": 503},
    "drop": {"method": "HttpNfcLeaseComplete"},
}
#: What breaks an export.
OF_EXPORTS: dict[str, dict[str, Any]] = {
    **_DATA,
    "target_id": {"disk": "disk-1", "value": "../../x"},
    "device_url": {"disk": "disk-1", "sslThumbprint": "00:" * 19 + "00"},
    "task_error": {"method": "CreateSnapshot_Task"},
    "ovf_error": {"method": "CreateDescriptor"},
    "soap_fault": {"method": "CreateDescriptor"},
    "raw_reply": {"method": "CreateDescriptor", "body": "<html/>"},
}
#: What breaks an import. A host that is silent is noticed while there is more to send.
SILENT = ("stall", "bandwidth")
OF_IMPORTS: dict[str, dict[str, Any]] = {
    **{kind: params for kind, params in _DATA.items() if kind not in SILENT},
    "html": {"disk": "disk-1", "after": True},
    "file_item_path": {"value": "../../x"},
    "device_url": {"disk": "disk-1", "importKey": "/elsewhere/Device0:0"},
    "ovf_error": {"method": "CreateImportSpec"},
    "soap_fault": {"method": "ImportVApp"},
    "raw_reply": {"method": "CreateImportSpec", "body": "<html/>"},
}
#: What a job gets over.
HARMLESS: dict[str, dict[str, Any]] = {
    "no_manifest": {},
    "task_delay": {"seconds": 0.2},
    "soap_delay": {"seconds": 0.01},
    "ovf_warning": {"message": "something odd"},
}
#: Only the caller ends it.
ENDLESS = {"init_forever"}
#: After these the server has no lease of the job to abort.
_GONE = {"expire", "init_error"}
_NO_SNAPSHOT = {"task_error"}
_NO_IMPORT = {"file_item_path", "ovf_error", "soap_fault", "raw_reply"}
_ERRORS = (NfcError, vmodl.MethodFault)
_OPTIONS: dict[str, Any] = {"max_retries": 0, "timeout": 1.0}


def test_no_fault_is_left_out() -> None:
    known = {*OF_EXPORTS, *OF_IMPORTS, *HARMLESS, *ENDLESS}
    assert known == faults.KINDS.keys()


def aborts(simulator: Simulator) -> int:
    return len(methods(simulator, "HttpNfcLeaseAbort"))


def disks_of(entity: Any) -> int:
    disk = vim.vm.device.VirtualDisk
    return sum(isinstance(device, disk) for device in entity.config.hardware.device)


def exported(simulator: Simulator, name: str, path: Path) -> Path:
    """A package of a VM, whatever faults an earlier test has left."""
    simulator.reset()
    session = simulator.connect()
    export_vm(find(session, vim.VirtualMachine, name), path)
    session.content.sessionManager.Logout()
    session._stub.DropConnections()
    return path


@pytest.fixture(scope="module")
def package(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the demo VM."""
    return exported(shared_simulator, "demo-vm", tmp_path_factory.mktemp("package") / "demo")


@pytest.fixture(scope="module")
def large(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of more than the sockets take at once."""
    shared_simulator.add_vm("large", disks=1, disk_size=32 << 20, nvram=False)
    return exported(shared_simulator, "large", tmp_path_factory.mktemp("large") / "large.ova")


def target(folder: Path, face: str) -> Path:
    """A directory for one face, an archive for the other."""
    return folder / ("out" if face == "blocking" else "out.ova")


@pytest.mark.parametrize("kind", OF_EXPORTS)
def test_an_export_breaks(
    export: Export, face: str, running_vm: Any, simulator: Simulator, tmp_path: Path, kind: str
) -> None:
    simulator.inject(kind, **OF_EXPORTS[kind])
    with pytest.raises(_ERRORS):
        export(running_vm, target(tmp_path, face), snapshot=True, **_OPTIONS)
    assert list(tmp_path.iterdir()) == []
    assert aborts(simulator) == (kind not in _GONE | _NO_SNAPSHOT)
    assert {lease["state"] for lease in simulator.leases()} <= {"error"}
    assert running_vm.snapshot is None


@pytest.mark.parametrize("kind", OF_IMPORTS)
def test_an_import_breaks(
    imported: Importing, package: Path, simulator: Simulator, service: Any, kind: str
) -> None:
    simulator.inject(kind, **OF_IMPORTS[kind])
    name = unique("broken")
    with pytest.raises((*_ERRORS, ValueError)):  # of a fileItem that the lease does not know
        imported(package, name=name, **_OPTIONS)
    assert aborts(simulator) == (kind not in _GONE | _NO_IMPORT)
    assert {lease["state"] for lease in simulator.leases()} <= {"error"}
    simulator.clear()
    assert service.content.searchIndex.FindByInventoryPath(f"DC0/vm/{name}") is None


@pytest.mark.parametrize("kind", SILENT)
def test_an_import_at_a_silent_host_breaks(
    imported: Importing, large: Path, simulator: Simulator, kind: str
) -> None:
    simulator.inject(kind, **{**_DATA[kind], "disk": "disk-0"})
    with pytest.raises(StallError):
        imported(large, name=unique("silent"), **_OPTIONS)
    assert aborts(simulator) == 1


def test_what_never_gets_ready_is_cancelled(
    running_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("init_forever")

    async def job() -> None:
        task = asyncio.ensure_future(export_vm_async(running_vm, tmp_path / "out", snapshot=True))
        await until(lambda: simulator.calls("ExportSnapshot"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(job())
    assert aborts(simulator) == 1
    assert running_vm.snapshot is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", HARMLESS)
def test_an_export_gets_over_it(
    export: Export, face: str, running_vm: Any, simulator: Simulator, tmp_path: Path, kind: str
) -> None:
    match = {"method": "CreateDescriptor"} if kind == "ovf_warning" else None
    simulator.inject(kind, match=match, **HARMLESS[kind])
    result = export(running_vm, target(tmp_path, face), snapshot=True)
    verified = "stream" if kind == "no_manifest" else "manifest"
    assert {file.verified for file in result.files} == {verified}
    said = [text for text in result.warnings if "something odd" in text]
    assert bool(said) == (kind == "ovf_warning")
    assert aborts(simulator) == 0
    assert running_vm.snapshot is None


@pytest.mark.parametrize("kind", HARMLESS)
def test_an_import_gets_over_it(
    imported: Importing, package: Path, simulator: Simulator, kind: str
) -> None:
    match = {"method": "CreateImportSpec"} if kind == "ovf_warning" else None
    simulator.inject(kind, match=match, **HARMLESS[kind])
    result = imported(package, name=unique("whole"))
    said = [text for text in result.warnings if "something odd" in text]
    assert bool(said) == (kind == "ovf_warning")
    assert aborts(simulator) == 0
    assert disks_of(result.entity) == 3
