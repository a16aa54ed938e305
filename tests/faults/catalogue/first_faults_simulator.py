"""U32 to U35: the simulator, held to real clients. The numbers are those of the first report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyVmomi import vim, vmodl

import nfclease

from ...support.inventory import find, unique
from ...support.waiting import wait_for
from ..harness.case import EXPORTS, IMPORTS, LEASES, case
from ..harness.hosts import fetched
from ..harness.world import World

BLOCKING = LEASES[:1]


def _done(task: Any) -> Any:
    """The task once it is over; a fault of it is raised."""
    wait_for(lambda: task.info.state not in ("queued", "running"))
    if task.info.state == "error":
        raise task.info.error
    return task.info.result


def _refused(world: World, call: Callable[[], Any], what: str) -> None:
    try:
        _done(call())
    except vmodl.fault.NotSupported:
        return
    world.expect(False, f"{what} is refused")


@case(
    "U32",
    "a VM is reconfigured, moved and imported into another network; and what is not simulated",
    "it is done, or refused as NotSupported: never a success that changed nothing",
    faces=BLOCKING,
)
def no_false_success(world: World) -> None:
    name = unique("u32")
    world.simulator.add_vm(name, disks=1, nvram=False)
    vm = world.named(name)
    _done(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="changed", numCPUs=2)))
    world.expect(vm.config.annotation == "changed", "the annotation is another")
    world.expect(vm.config.hardware.numCPU == 2, "so is the number of processors")
    profile = [vim.vm.DefinedProfileSpec(profileId="x")]
    _refused(world, lambda: vm.ReconfigVM_Task(vim.vm.ConfigSpec(vmProfile=profile)), "a profile")
    relocate = vim.vm.RelocateSpec(profile=profile)
    _refused(world, lambda: vm.RelocateVM_Task(relocate), "a move to a profile")
    _done(vm.Destroy_Task())
    other = find(world.service, vim.Network, "Lab Network")
    result = nfclease.import_vapp(
        world.package, world.vm.resourcePool, name=name, networks={"VM Network": other}
    )
    world.wanted.append(("Complete",))
    world.expect([each.name for each in result.entity.network] == ["Lab Network"], "it is mapped")
    _done(result.entity.Destroy_Task())


@case(
    "U33",
    "a VM has a slash in its name",
    "it is exported as any other",
    faces=EXPORTS,
)
def slash(world: World) -> None:
    name = unique("u/33")
    world.simulator.add_vm(name, disks=1, nvram=False)
    world.vm = world.named(name.replace("/", "%2f"))
    world.job()
    try:
        _done(world.vm.Rename_Task("large"))
    except vim.fault.DuplicateName as fault:
        text = str(getattr(fault, "msg", ""))
        world.expect("'large' already exists" in text, f"the fault says it: {text}")
    else:
        world.expect(False, "a name is given once")
    _done(world.vm.Destroy_Task())


@case(
    "U34",
    "a client reads what every VM, host and vCenter has",
    "all of it is set, as vSphere has it",
    faces=BLOCKING,
)
def required(world: World) -> None:
    config, vm = world.vm.config, world.vm
    devices = {each.deviceInfo.label: each for each in config.hardware.device}
    card, disk = devices.get("Network adapter 1"), devices.get("Hard disk 1")
    content = world.service.content
    view = content.viewManager.CreateContainerView(vm.runtime.host, [vim.VirtualMachine], True)
    there = {
        "pool": vm.resourcePool and vm.resourcePool.owner,
        "host": vm.runtime.host,
        "its cluster": vm.runtime.host.parent,
        "datastore": vm.datastore,
        "flags": config.flags,
        "boot options": config.bootOptions,
        "a disk by its label": disk,
        "its datastore": disk and disk.backing.datastore,
        "a card by its label": card,
        "its address": card and card.macAddress,
        "its network": card and card.backing.network,
        "connectable": card and card.connectable,
        "machines of a host": view.view,
        "managers": content.alarmManager and content.licenseManager and content.taskManager,
    }
    view.Destroy()
    world.expect(all(there.values()), f"not set: {[what for what in there if not there[what]]}")


@case(
    "U35",
    "hosts answer an upload by 200 or 201, or take it in chunks",
    "it is imported, verified; and the service is described where clients look",
    faces=IMPORTS,
    variants={
        "200": {"upload_status": 200},
        "201": {"upload_status": 201},
        "chunks": {"chunked_uploads": True},
    },
)
def uploads(world: World, knobs: dict[str, Any]) -> None:
    world.simulator.set(**knobs)
    world.job()
    wsdl = fetched(f"{world.simulator.url}/vimService.wsdl")
    world.expect(b"definitions" in wsdl, "there is a WSDL")
