"""Virtual machines and their snapshots: what they are, without the calls that they answer."""

from __future__ import annotations

import copy
import datetime
from typing import Any

from nfclease.simulator.inventory import devices
from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.names import entity_name
from nfclease.simulator.inventory.place import Place, members, unlink
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, World, now

_Power: Any = vim.VirtualMachine.PowerState


class Machine(Managed):
    """vim.VirtualMachine: where it is, what it has, who holds it."""

    def __init__(self, world: World, place: Place, name: str, files: list[VmFile]) -> None:
        super().__init__(world, vim.VirtualMachine, f"vm-{world.number()}", name=entity_name(name))
        self.place = place
        self.files: list[VmFile] = files
        self.power: Any = _Power.poweredOff
        self.created: datetime.datetime = now()
        #: The tasks that hold it: those of leases that cover it, and those that change it.
        self.blocking: list[Task] = []
        #: Whether tools run in its guest while it is switched on.
        self.tools: bool = False
        self.snapshots: list[Snapshot] = []
        self.current_snapshot: Snapshot | None = None
        self.config: Any = None

    def link(self) -> None:
        """Enters it in the lists of all that it is in."""
        for owner in self.place.owners():
            members(owner, "childEntity" if owner.knows("childEntity") else "vm").append(self.ref)
        self.world.touch()

    def unlink(self) -> None:
        """Takes it out of them."""
        for owner in self.place.owners():
            for name in ("childEntity", "vm"):
                unlink(self.ref, owner, name)

    def in_vapp(self) -> bool:
        """Whether a vApp has it, and no folder."""
        return isinstance(self.place.parent.ref, vim.VirtualApp)

    def networks(self) -> dict[str, Any]:
        """The networks that its cards are in, by id."""
        backings = [card.backing for card in devices.cards(self.config.hardware.device)]
        return {b.network._moId: b.network for b in backings if getattr(b, "network", None)}

    @property
    def path(self) -> str:
        """Where its configuration is in the datastore."""
        return str(self.config.files.vmPathName)

    @property
    def committed(self) -> int:
        """Bytes that the VM takes in its datastore."""
        return sum(file.size for file in self.files)

    def disabled(self) -> list[str]:
        """The methods that a lease on it blocks."""
        blocked = ["PowerOnVM_Task", "Destroy_Task", "RelocateVM_Task", "MigrateVM_Task"]
        return blocked if self.blocking else []

    def refuse_if_held(self) -> None:
        """Operations that alter a VM are blocked while a lease covers it, or another alters it.

        Raises:
            vim.fault.TaskInProgress: With the task that holds it.
        """
        if self.blocking:
            raise fault("vim.fault.TaskInProgress", task=self.blocking[0].ref)

    def refuse_export(self) -> None:
        """An export is refused while another task holds it, but beside other exports.

        With ``exclusive_leases`` it is refused beside these, too, as some servers do.

        Raises:
            vim.fault.TaskInProgress: With the task that holds it.
        """
        for task in self.blocking:
            if not task.shared or self.world.options.exclusive_leases:
                raise fault("vim.fault.TaskInProgress", task=task.ref)

    def refuse_power(self, state: Any, requested: Any = None) -> None:
        """Raises InvalidPowerState in this state."""
        if self.power == state:
            raise fault(
                "vim.fault.InvalidPowerState", existingState=state, requestedState=requested
            )

    def refuse_running(self) -> None:
        """Raises InvalidPowerState unless it is switched off."""
        self.refuse_power(_Power.poweredOn, _Power.poweredOff)

    @property
    def running_tools(self) -> bool:
        """Whether there are tools in its guest that answer."""
        return self.tools and self.power == _Power.poweredOn

    def take_snapshot(
        self, name: str, description: str = "", memory: bool = False, quiesce: bool = False
    ) -> Snapshot:
        """Takes a snapshot, at once; with its memory it is one of a VM that runs.

        Without running tools it cannot be quiesced, and the snapshot says so.
        """
        snapshot = Snapshot(self.world, self, name, description)
        snapshot.power = self.power if memory else _Power.poweredOff
        snapshot.quiesced = quiesce and self.running_tools
        self.snapshots.append(snapshot)
        self.current_snapshot = snapshot
        self.world.touch()
        return snapshot

    def revert(self, snapshot: Snapshot, stay_off: bool) -> None:
        """Is as it was when a snapshot was taken; it runs if its memory was taken too."""
        self.config, self.files = copy.deepcopy(snapshot.config), list(snapshot.files)
        self.config.name = self.name
        self.power = _Power.poweredOff if stay_off else snapshot.power
        self.current_snapshot = snapshot
        self.world.touch()

    def destroy(self) -> None:
        """Takes the VM out of the inventory."""
        for snapshot in list(self.snapshots):
            snapshot.remove()
        self.unlink()
        self.forget()


class Snapshot(Managed):
    """vim.vm.Snapshot: the VM's configuration and files as they were."""

    def __init__(self, world: World, machine: Machine, name: str, description: str) -> None:
        super().__init__(world, vim.vm.Snapshot, f"snapshot-{world.number()}")
        self.machine = machine
        self.title = name
        self.description = description
        self.created: datetime.datetime = now()
        self.power: Any = _Power.poweredOff
        self.quiesced: bool = False
        self.number: int = world.number()
        self.parent: Snapshot | None = machine.current_snapshot
        self.config: Any = copy.deepcopy(machine.config)
        self.files: list[VmFile] = list(machine.files)
        self.props.update(
            config=lambda: self.config,
            vm=machine.ref,
            childSnapshot=lambda: [child.ref for child in self.children()],
        )

    @property
    def name(self) -> str:
        """The VM's name: it names the files of an export."""
        return self.machine.name

    def children(self) -> list[Snapshot]:
        """Those that were taken after it, without another between."""
        return [one for one in self.machine.snapshots if one.parent is self]

    def as_it_was(self) -> Machine:
        """The VM at that time, to be looked at."""
        then = copy.copy(self.machine)
        then.config, then.files = self.config, self.files
        return then

    def tree(self) -> Any:
        """The snapshot and those below it in its VM's SnapshotInfo."""
        return vim.vm.SnapshotTree(
            snapshot=self.ref,
            vm=self.machine.ref,
            name=self.title,
            description=self.description,
            id=self.number,
            createTime=self.created,
            state=self.power,
            quiesced=self.quiesced,
            childSnapshotList=[child.tree() for child in self.children()],
        )

    def remove(self, below: bool = False) -> None:
        """Removes it, at once; what was below it is then below its parent."""
        for child in self.children():
            if below:
                child.remove(True)
            else:
                child.parent = self.parent
        if self in self.machine.snapshots:
            self.machine.snapshots.remove(self)
        if self.machine.current_snapshot is self:
            self.machine.current_snapshot = self.parent
        self.forget()
