"""What a plan reads of an inventory, and of a VM that moves to another host meanwhile."""

from __future__ import annotations

import datetime
import os
import uuid
from pathlib import Path
from typing import Any

from pyVim.connect import SmartConnect
from pyVmomi import vim

from nfclease import export_vm, fleet
from nfclease.fleet._place import RunPlace
from nfclease.fleet._workers import forget
from nfclease.fleet.planning import Plan
from nfclease.inventory._reading import read_each
from nfclease.simulator import Simulator

from ..peers.run import Vcsim
from ..support.inventory import unique
from ..support.waiting import wait_for


def place_of(directory: Path) -> RunPlace:
    return RunPlace(uuid.uuid4().hex, str(directory), os.getpid())


def hosts_of(vms: list[Any]) -> dict[Any, Any]:
    """By this property alone: pyvmomi cannot read the whole ``runtime`` of vcsim."""
    rows = read_each(vms, vim.VirtualMachine, ["runtime.host"])
    return {vm: has["runtime.host"] for vm, has in rows}


def test_a_vm_that_moved_is_counted_at_its_new_host(vcsim: Vcsim, tmp_path: Path) -> None:
    fleet.register_session(
        "cluster",
        lambda: SmartConnect(
            host=vcsim.host,
            port=vcsim.port,
            user=vcsim.user,
            pwd=vcsim.password,
            sslContext=vcsim.ssl_context,
        ),
    )
    place = place_of(tmp_path)
    with vcsim.connect() as connected:
        service: Any = connected
        view = service.content.viewManager.CreateContainerView(
            service.content.rootFolder, [vim.VirtualMachine, vim.HostSystem], True
        )
        vms: list[Any] = [each for each in view.view if isinstance(each, vim.VirtualMachine)]
        hosts: list[Any] = [each for each in view.view if isinstance(each, vim.HostSystem)]
        jobs = [fleet.ExportJob("cluster", vm._moId, "{moid}.ova") for vm in vms]
        plan = Plan(jobs, place, datetime.datetime.now())
        where = hosts_of(vms)
        assert [item.host for item in plan.items] == [where[vm]._moId for vm in vms]
        assert all(item.disks == 1 for item in plan.items)
        [other, *_] = [
            host for host in hosts if host.parent == where[vms[0]].parent and host != where[vms[0]]
        ]
        task = vms[0].RelocateVM_Task(vim.vm.RelocateSpec(host=other))
        wait_for(lambda: task.info.state in ("success", "error"))
        plan.look_again(plan.items)
        assert (plan.items[0].host, plan.items[0].host_name) == (other._moId, other.name)
    forget(place)


def test_many_vms_are_read_in_a_few_calls(simulator: Simulator, lab: str, tmp_path: Path) -> None:
    name = unique("many")
    simulator.add_vms(name, 3000, folders=3)
    jobs = [fleet.ExportJob(lab, f"{name}-{n}", "{vm}.ova") for n in range(2, 500)]
    simulator.reset()
    place = place_of(tmp_path)
    plan = Plan(jobs, place, datetime.datetime.now())
    forget(place)
    assert len(plan.items) == len(jobs)
    assert len(simulator.calls()) < 15
    assert not any(item.failure for item in plan.items)


def test_packages_are_imported_and_their_disks_counted(
    simulator: Simulator, lab: str, demo_vm: Any, tmp_path: Path
) -> None:
    export_vm(demo_vm, tmp_path / "demo.ova")
    name = unique("imported")
    events: list[fleet.Event] = []
    jobs = [
        fleet.ImportJob(lab, f"{tmp_path}/demo.ova", "Resources", name, datastore="datastore1"),
        fleet.ImportJob(lab, f"{tmp_path}/none.ova", "Resources"),
        fleet.ImportJob(lab, f"{tmp_path}/demo.ova", "No pool", "{source}-x"),
    ]
    summary = fleet.run(jobs, progress=events.append, check=False)
    states = {each.target: each.state for each in summary.outcomes}
    assert states == {name: "done", "": "failed", "demo-x": "failed"}
    assert {each.failure.error for each in summary.failed if each.failure} == {
        "FileNotFoundError",
        "NotFoundError",
    }
    assert next(event.disks for event in events if event.kind == "planned") == 3
    assert simulator.vm_files(name)
