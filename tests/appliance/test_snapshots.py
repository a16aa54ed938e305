"""``export_vm`` of a VM that runs: the snapshot that it takes is removed on every way out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nfclease import NfcError, export_vm_async
from nfclease.simulator import Simulator

from ..support.inventory import find, unique
from ..support.jobs import Export
from ..support.leases import endings
from ..support.waiting import until, wait_for


@pytest.fixture
def running(simulator: Simulator, service: Any) -> Callable[..., Any]:
    """Makes VMs that run."""

    def make(**options: Any) -> Any:
        name = unique("running")
        simulator.add_vm(name, disks=1, power="on", **options)
        return find(service, vim.VirtualMachine, name)

    return make


def asked(simulator: Simulator) -> list[bool]:
    """Whether each snapshot was asked to be quiesced."""
    return [call["args"]["quiesce"] for call in simulator.calls("CreateSnapshot_Task")]


def test_a_snapshot_is_taken_exported_and_removed(
    export: Export, running: Any, simulator: Simulator, tmp_path: Path
) -> None:
    vm = running(tools=True)
    result = export(vm, tmp_path / "out", snapshot=True)
    assert len(result.files) == 2
    assert result.warnings == ()
    assert asked(simulator) == [True]
    assert vm.snapshot is None
    described = simulator.calls("CreateDescriptor")[-1]
    assert '<snapshot type="VirtualMachineSnapshot">' in described["raw"]


def test_without_tools_it_is_not_quiesced_and_that_is_said(
    export: Export, running: Any, simulator: Simulator, tmp_path: Path
) -> None:
    vm = running()
    result = export(vm, tmp_path / "out", snapshot=True)
    assert asked(simulator) == [False]
    [warning] = result.warnings
    assert "VMware Tools do not run in the guest" in warning
    assert vm.snapshot is None


def test_a_guest_that_cannot_quiesce_is_taken_as_it_is(
    export: Export, running: Any, simulator: Simulator, tmp_path: Path
) -> None:
    vm = running(tools=True)
    fault = "vim.fault.ApplicationQuiesceFault"
    simulator.inject("task_error", method="CreateSnapshot_Task", count=1, fault=fault)
    result = export(vm, tmp_path / "out", snapshot=True)
    assert asked(simulator) == [True, False]
    assert "the guest did not quiesce (vim.fault.ApplicationQuiesceFault" in result.warnings[0]


def test_a_snapshot_of_the_caller_stays(export: Export, running: Any, tmp_path: Path) -> None:
    vm = running()
    task = vm.CreateSnapshot_Task("mine", "", False, False)
    wait_for(lambda: task.info.state == "success")
    snapshot = task.info.result
    whole = export(vm, tmp_path / "of-vm", snapshot=snapshot)
    alone = export(snapshot, tmp_path / "alone")
    assert [file.name for file in whole.files] == [file.name for file in alone.files]
    assert vm.snapshot.currentSnapshot == snapshot


def test_a_snapshot_of_another_vm_is_refused(
    export: Export, running: Any, demo_vm: Any, tmp_path: Path
) -> None:
    vm = running()
    task = vm.CreateSnapshot_Task("mine", "", False, False)
    wait_for(lambda: task.info.state == "success")
    with pytest.raises(ValueError, match="is not one of this VM"):
        export(demo_vm, tmp_path / "out", snapshot=task.info.result)
    with pytest.raises(ValueError, match="snapshot goes with a VM"):
        export(task.info.result, tmp_path / "out", snapshot=True)


def test_a_running_vm_is_refused_with_the_way_out(
    export: Export, running: Any, tmp_path: Path
) -> None:
    with pytest.raises(vim.fault.InvalidPowerState) as raised:
        export(running(), tmp_path / "out")
    assert "snapshot=True" in vars(raised.value)["__notes__"][0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("status", {"match": "disk-0", "code": 500}),
        ("expire", {}),
        ("soap_fault", {"method": "CreateDescriptor"}),
        ("soap_fault", {"method": "ExportSnapshot"}),
        ("init_error", {}),
    ],
)
def test_an_error_removes_it(
    export: Export,
    running: Any,
    simulator: Simulator,
    tmp_path: Path,
    kind: str,
    options: dict[str, Any],
) -> None:
    vm = running()
    simulator.inject(kind, **options)
    with pytest.raises((NfcError, vmodl.MethodFault)):
        export(vm, tmp_path / "out", snapshot=True, max_retries=0)
    assert vm.snapshot is None
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_that_cannot_be_taken_is_the_error(
    export: Export, running: Any, simulator: Simulator, tmp_path: Path
) -> None:
    fault = "vim.fault.SnapshotFault"
    simulator.inject("task_error", method="CreateSnapshot_Task", fault=fault)
    with pytest.raises(vim.fault.SnapshotFault):
        export(running(), tmp_path / "out", snapshot=True)
    assert simulator.calls("ExportSnapshot") == []
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_that_cannot_be_removed_is_told(
    export: Export,
    running: Any,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The package is whole: it is kept."""
    vm = running(tools=True)
    simulator.inject("task_error", method="RemoveSnapshot_Task")
    with caplog.at_level(logging.ERROR, "nfclease"):
        result = export(vm, tmp_path / "out", snapshot=True)
    [warning] = result.warnings
    assert "could not be removed (vmodl.fault.SystemError" in warning
    assert f"{vm._moId}: {warning}" in caplog.messages
    assert (tmp_path / "out" / result.descriptor).exists()


def test_a_cancelled_task_removes_it(running: Any, simulator: Simulator, tmp_path: Path) -> None:
    vm = running()
    simulator.inject("stall", match="disk-0")

    async def job() -> None:
        task = asyncio.ensure_future(export_vm_async(vm, tmp_path / "out", snapshot=True))
        await until(simulator.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(job())
    assert vm.snapshot is None
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_is_cancelled_while_it_is_taken_leaves_none(
    running: Any, simulator: Simulator, tmp_path: Path
) -> None:
    vm = running()
    simulator.inject("task_delay", method="CreateSnapshot_Task", seconds=1)

    async def job() -> None:
        task = asyncio.ensure_future(export_vm_async(vm, tmp_path / "out", snapshot=True))
        await until(lambda: simulator.calls("CreateSnapshot_Task"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(job())
    assert simulator.calls("RemoveSnapshot_Task")
    assert vm.snapshot is None
    assert simulator.calls("ExportSnapshot") == []
