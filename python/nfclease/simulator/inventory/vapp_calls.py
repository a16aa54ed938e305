"""What vApps answer, but for exports and imports."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory.pools import VirtualApp
from nfclease.simulator.inventory.property_values import refuse_unconfigured
from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import fault, vim

_Power: Any = vim.VirtualMachine.PowerState


@handles(vim.VirtualApp, "PowerOnVApp_Task")
async def power_on(vapp: VirtualApp, call: Call) -> Any:
    """Switches on all of its VMs that are off."""
    if not vapp.machines():
        raise fault("vim.fault.NoVmInVApp")
    return _switch(vapp, call, _Power.poweredOn)


@handles(vim.VirtualApp, "PowerOffVApp_Task")
async def power_off(vapp: VirtualApp, call: Call) -> Any:
    """Switches them off; simulated VMs have no guests that could be asked to shut down."""
    if not vapp.is_started():
        raise fault("vim.fault.VAppNotRunning")
    return _switch(vapp, call, _Power.poweredOff)


@handles(vim.VirtualApp, "Destroy_Task")
async def destroy(vapp: VirtualApp, call: Call) -> Any:
    """Deletes it with all its VMs, which are switched off."""
    for machine in vapp.machines():
        machine.refuse_if_held()
        machine.refuse_running()

    async def work() -> None:
        for machine in vapp.machines():
            machine.destroy()
        vapp.destroy()

    return Task(vapp.world, call.method, vapp).run(work)


def _switch(vapp: VirtualApp, call: Call, state: Any) -> Any:
    for machine in vapp.machines():
        machine.refuse_if_held()

    async def work() -> None:
        for machine in vapp.machines() if state == _Power.poweredOn else []:
            refuse_unconfigured(machine)
        for machine in vapp.machines():
            machine.power = state
        vapp.world.touch()

    return Task(vapp.world, call.method, vapp).run(work)
