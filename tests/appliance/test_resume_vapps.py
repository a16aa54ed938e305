"""A vApp with ``resume=True``: what one VM of it had verified is kept while another one fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

from ..support.inventory import find, unique
from ..support.jobs import Export
from ..support.resuming import Broken


@pytest.mark.parametrize("target", ["out", "out.ova"])
def test_the_disks_of_one_vm_are_kept(
    export: Export, simulator: Simulator, service: Any, tmp_path: Path, target: str
) -> None:
    name = unique("tier")
    simulator.add_vapp(name, vms=2, disks=2, disk_size=1 << 18)
    vapp = find(service, vim.VirtualApp, name)
    broken = Broken(export, simulator, vapp, tmp_path / target)
    broken()
    first, second = sorted(vm._moId for vm in vapp.vm)
    kept = [file["name"] for file in broken.record["files"]]
    assert kept == ["disk-0.vmdk", "disk-1.vmdk"]
    result = broken.again()
    assert broken.fetched() == ["disk-2.vmdk", "disk-3.vmdk"]
    rows = [(file.key.split("/")[1], file.reused) for file in result.files]
    assert rows == [(first, True), (first, True), (second, False), (second, False)]
    assert nfclease.verify(broken.target)
    assert not broken.folder.exists()


def test_after_a_change_of_one_vm_nothing_that_was_kept_is_used(
    export: Export, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    name = unique("tier")
    simulator.add_vapp(name, vms=2, disks=1, disk_size=1 << 18)
    vapp = find(service, vim.VirtualApp, name)
    broken = Broken(export, simulator, vapp, tmp_path / "out")
    simulator.inject("soap_fault", method="HttpNfcLeaseComplete")
    with pytest.raises(nfclease.LeaseError):
        broken.again()
    simulator.reset()
    assert [file["name"] for file in broken.record["files"]] == ["disk-0.vmdk", "disk-1.vmdk"]
    changed = min(vapp.vm, key=lambda vm: vm._moId)
    WaitForTask(changed.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="another")))
    result = broken.again()
    assert [file.reused for file in result.files] == [False, False]
    assert nfclease.verify(broken.target)
