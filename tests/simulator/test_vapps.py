"""vApps: made, switched on and off, exported, destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.soap.vsphere import vim

from .support.calls import by_path, disks, ready, wait_for_task


@pytest.fixture
def vapp(simulator: Simulator, service: Any) -> Iterator[Any]:
    simulator.add_vapp("three", disk_size=1 << 20)
    made = by_path(service, "vm/three")
    yield made
    if made.summary.vAppState == "started":
        wait_for_task(made.PowerOffVApp_Task(True))
    wait_for_task(made.Destroy_Task())


def test_it_has_its_vms(simulator: Simulator, vapp: Any) -> None:
    assert [vm.name for vm in vapp.vm] == ["three-1", "three-2", "three-3"]
    assert {vm.parentVApp for vm in vapp.vm} == {vapp}
    lease = ready(vapp.ExportVApp())
    assert [url.targetId for url in disks(lease)] == ["disk-0.vmdk", "disk-1.vmdk", "disk-2.vmdk"]
    assert lease.info.entity == vapp
    for method in (vapp.Destroy_Task, vapp.PowerOnVApp_Task):
        with pytest.raises(vim.fault.TaskInProgress):
            method()
    lease.Complete()
    with pytest.raises(ValueError, match="'three-2' already"):
        simulator.add_vapp("three-2")


def test_it_is_switched_on_and_off(vapp: Any) -> None:
    with pytest.raises(vim.fault.VAppNotRunning):
        vapp.PowerOffVApp_Task(True)
    wait_for_task(vapp.PowerOnVApp_Task())
    assert {vm.runtime.powerState for vm in vapp.vm} == {"poweredOn"}
    assert vapp.summary.vAppState == "started"
    for method in (vapp.Destroy_Task, vapp.ExportVApp):
        with pytest.raises(vim.fault.InvalidPowerState):
            method()


def test_an_empty_one_has_nothing_to_switch_on(simulator: Simulator, service: Any) -> None:
    simulator.add_vapp("hollow", vms=0)
    made = by_path(service, "vm/hollow")
    with pytest.raises(vim.fault.NoVmInVApp):
        made.PowerOnVApp_Task()
    wait_for_task(made.Destroy_Task())
    assert service.content.searchIndex.FindByInventoryPath("DC0/vm/hollow") is None
