"""The call that opens the lease of a whole job has no answer: one call, and the lease is named."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.inventory import cancel_task, lease_tasks
from nfclease.simulator import Simulator

from ..support.importing import Importing


def test_an_export_names_the_task_and_that_frees_the_vm(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("drop", method="ExportVm", count=1, after=True)
    with pytest.raises(nfclease.AmbiguousLeaseError) as caught:
        nfclease.export_vm(demo_vm, tmp_path / "demo")
    [task] = caught.value.tasks
    assert task.key in str(caught.value)
    assert caught.value.vm == demo_vm._moId
    assert len(simulator.calls("ExportVm")) == 1
    assert not pickle.loads(pickle.dumps(caught.value)).tasks
    assert cancel_task(task)
    nfclease.export_vm(demo_vm, tmp_path / "demo")


def test_a_task_that_was_there_before_is_not_named(
    demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    other = demo_vm.ExportVm()
    [held] = lease_tasks(service)
    simulator.inject("drop", method="ExportVm", count=1)
    with pytest.raises(nfclease.AmbiguousLeaseError, match="shows none") as caught:
        asyncio.run(nfclease.export_vm_async(demo_vm, tmp_path / "demo"))
    assert held.key not in str(caught.value)
    other.HttpNfcLeaseAbort()


def test_a_call_that_was_refused_opened_nothing(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("soap_status", method="ExportVm", code=404)
    with pytest.raises(nfclease.HttpStatusError, match="404"):
        nfclease.export_vm(demo_vm, tmp_path / "demo")


def test_where_the_server_is_gone_the_message_says_so(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("drop", method="ExportVm", after=True)
    simulator.inject("drop", method="CurrentTime")
    with pytest.raises(nfclease.AmbiguousLeaseError, match=r"cannot be read.*five minutes"):
        nfclease.export_vm(demo_vm, tmp_path / "demo")
    simulator.expire()


def test_an_import_leaves_no_vm_once_its_task_is_cancelled(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    nfclease.export_vm(demo_vm, tmp_path / "demo")
    simulator.inject("drop", method="ImportVApp", count=1, after=True)
    bring = Importing("asyncio", demo_vm)
    with pytest.raises(nfclease.AmbiguousLeaseError, match=r"(?i)importVApp") as caught:
        bring(tmp_path / "demo", name="lost")
    assert len(simulator.calls("ImportVApp")) == 1
    assert [cancel_task(each) for each in caught.value.tasks] == [True]
    bring(tmp_path / "demo", name="lost").entity.Destroy_Task()
