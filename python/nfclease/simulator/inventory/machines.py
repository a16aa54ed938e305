"""New virtual machines."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory import machine_view
from nfclease.simulator.inventory.configuring import configure
from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.inventory.place import Place
from nfclease.simulator.services.tasks import recent
from nfclease.simulator.soap.vsphere import support, vim
from nfclease.simulator.world import World


def make_machine(world: World, place: Place, spec: Any, files: list[VmFile]) -> Machine:
    """A VM as a ConfigSpec has it, made as a real server makes it."""
    machine = Machine(world, place, spec.name, files)
    machine.config = configure(machine, spec)
    of_machine(machine)
    return machine


def of_machine(machine: Machine) -> None:
    """Gives a VM that has its configuration its properties, and enters it where it is."""
    world, place = machine.world, machine.place
    machine.props.update(
        {
            "runtime.powerState": lambda: machine.power,
            "summary.storage.committed": lambda: support.long(machine.committed),
        }
    )
    machine.props.update(
        config=lambda: machine.config,
        runtime=lambda: machine_view.runtime(machine),
        summary=lambda: machine_view.summary(machine),
        guest=lambda: machine_view.guest(machine),
        storage=lambda: machine_view.storage(machine),
        layoutEx=lambda: machine_view.layout(machine),
        snapshot=lambda: machine_view.snapshots(machine),
        capability=vim.vm.Capability(
            snapshotOperationsSupported=True,
            multipleSnapshotsSupported=True,
            poweredOffSnapshotsSupported=True,
            bootOptionsSupported=True,
        ),
        environmentBrowser=world.objects["envbrowser-7"].ref,
        datastore=[place.datastore.ref],
        network=lambda: list(machine.networks().values()),
        resourcePool=lambda: machine.place.pool.ref,
        parent=lambda: None if machine.in_vapp() else machine.place.parent.ref,
        parentVApp=lambda: machine.place.parent.ref if machine.in_vapp() else None,
        resourceConfig=lambda: machine_view.resources(machine),
        effectiveRole=[-1],
        rootSnapshot=lambda: [one.ref for one in machine.snapshots if one.parent is None],
        recentTask=lambda: recent(machine, machine.blocking),
        disabledMethod=machine.disabled,
        overallStatus=vim.ManagedEntity.Status.green,
        configStatus=vim.ManagedEntity.Status.green,
        guestHeartbeatStatus=vim.ManagedEntity.Status.gray,
    )
    machine.link()
