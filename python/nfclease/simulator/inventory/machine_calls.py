"""What virtual machines and snapshots answer, but for exports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nfclease.simulator.inventory import devices
from nfclease.simulator.inventory.configuring import reconfigure
from nfclease.simulator.inventory.machine import Machine, Snapshot
from nfclease.simulator.inventory.moving import moved
from nfclease.simulator.inventory.names import entity_name, refuse_name
from nfclease.simulator.inventory.property_values import refuse_unconfigured
from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import vim

_Power: Any = vim.VirtualMachine.PowerState


@handles(vim.VirtualMachine, "PowerOnVM_Task")
async def power_on(machine: Machine, call: Call) -> Any:
    """Switches it on, on the host that is named or the one where it is."""
    if host := call.arg("host"):
        machine.world.expect(host, vim.HostSystem, "host")
    return _switch(machine, call, _Power.poweredOn)


@handles(vim.VirtualMachine, "PowerOffVM_Task")
async def power_off(machine: Machine, call: Call) -> Any:
    """Switches it off."""
    return _switch(machine, call, _Power.poweredOff)


@handles(vim.VirtualMachine, "Destroy_Task")
async def destroy_task(machine: Machine, call: Call) -> Any:
    """Deletes it."""
    machine.refuse_if_held()
    machine.refuse_running()

    async def work() -> None:
        machine.destroy()

    return Task(machine.world, call.method, machine).run(work)


@handles(vim.VirtualMachine, "ReconfigVM_Task")
async def reconfigure_task(machine: Machine, call: Call) -> Any:
    """Changes its configuration."""
    machine.refuse_if_held()

    async def work() -> None:
        reconfigure(machine, call.arg("spec"))

    return Task(machine.world, call.method, machine).run(work)


@handles(vim.VirtualMachine, "RelocateVM_Task", "MigrateVM_Task")
async def move(machine: Machine, call: Call) -> Any:
    """Moves it, within what there is: another folder, another pool."""
    machine.refuse_if_held()
    to = moved(machine, call)

    async def work() -> None:
        machine.unlink()
        machine.place = to
        machine.link()

    return Task(machine.world, call.method, machine).run(work)


@handles(vim.VirtualMachine, "Rename_Task")
async def rename(machine: Machine, call: Call) -> Any:
    """Gives it another name."""
    machine.refuse_if_held()
    name = entity_name(call.arg("newName"))
    refuse_name(machine.world, name, machine)

    async def work() -> None:
        machine.props["name"] = machine.config.name = name

    return Task(machine.world, call.method, machine).run(work)


@handles(vim.VirtualMachine, "CreateSnapshot_Task", "CreateSnapshotEx_Task")
async def create_snapshot(machine: Machine, call: Call) -> Any:
    """Takes a snapshot."""
    machine.refuse_if_held()
    plain = call.method == "CreateSnapshot_Task"

    async def work() -> Any:
        memory, quiesce = (
            bool(call.arg(name)) for name in ("memory", "quiesce" if plain else "quiesceSpec")
        )
        name, text = call.arg("name"), call.arg("description", "")
        return machine.take_snapshot(name, text, memory, quiesce).ref

    return _holding(machine, call, work)


@handles(vim.VirtualMachine, "RemoveAllSnapshots_Task")
async def remove_snapshots(machine: Machine, call: Call) -> Any:
    """Removes all snapshots."""
    machine.refuse_if_held()

    async def work() -> None:
        for snapshot in list(machine.snapshots):
            snapshot.remove()

    return _holding(machine, call, work)


def _switch(machine: Machine, call: Call, state: Any) -> Any:
    machine.refuse_if_held()
    machine.refuse_power(state, state)

    async def work() -> None:
        if state == _Power.poweredOn:
            refuse_unconfigured(machine)
            for disk in filter(devices.is_disk, machine.config.hardware.device):
                devices.written(disk, machine.world.random)  # its guest writes
        machine.power = state

    return Task(machine.world, call.method, machine).run(work)


def _holding(machine: Machine, call: Call, work: Callable[[], Awaitable[Any]]) -> Any:
    """Runs work during which nothing else may alter the VM."""
    task = Task(machine.world, call.method, machine)
    machine.blocking.append(task)
    return task.run(work, settle=lambda: machine.blocking.remove(task))


@handles(vim.vm.Snapshot, "RemoveSnapshot_Task")
async def remove_task(snapshot: Snapshot, call: Call) -> Any:
    """Removes it, and those below it if that is asked for."""
    snapshot.machine.refuse_if_held()

    async def work() -> None:
        snapshot.remove(bool(call.arg("removeChildren")))

    return _holding(snapshot.machine, call, work)


@handles(vim.vm.Snapshot, "RevertToSnapshot_Task")
async def revert(snapshot: Snapshot, call: Call) -> Any:
    """Takes the VM back to it."""
    snapshot.machine.refuse_if_held()

    async def work() -> None:
        snapshot.machine.revert(snapshot, bool(call.arg("suppressPowerOn")))

    return _holding(snapshot.machine, call, work)
