"""Virtual machines."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

from nfclease.simulator import machine_view
from nfclease.simulator.devices import VmFile
from nfclease.simulator.names import entity_name, refuse_name
from nfclease.simulator.session import now
from nfclease.simulator.snapshots import Snapshot, snapshot_info
from nfclease.simulator.tasks import Task
from nfclease.simulator.vsphere import fault, vim
from nfclease.simulator.world import Call, Managed, World, answers

if TYPE_CHECKING:
    from nfclease.simulator.leases import Lease

_Power: Any = vim.VirtualMachine.PowerState


@dataclasses.dataclass
class Place:
    """Where a VM is."""

    parent: Managed  # a folder, or a vApp
    pool: Managed
    host: Managed
    datastore: Managed
    network: Managed

    def owners(self) -> list[Managed]:
        """Every object that lists the VM, once; a vApp is folder and pool in one."""
        owners = (self.parent, self.pool, self.host, self.datastore, self.network)
        return list({owner.moid: owner for owner in owners}.values())


class Machine(Managed):
    """vim.VirtualMachine, made from a ConfigSpec as a real server makes it."""

    def __init__(self, world: World, place: Place, spec: Any, files: list[VmFile]) -> None:
        super().__init__(
            world, vim.VirtualMachine, f"vm-{world.number()}", name=entity_name(spec.name)
        )
        self.place = place
        self.files = files
        self.power: Any = _Power.poweredOff
        self.created: datetime.datetime = now()
        self.leases: list[Lease] = []
        self.snapshots: list[Snapshot] = []
        self.config: Any = machine_view.configure(self, spec)
        in_vapp = isinstance(place.parent.ref, vim.VirtualApp)
        self.props.update(
            config=lambda: self.config,
            runtime=lambda: machine_view.runtime(self),
            summary=lambda: machine_view.summary(self),
            guest=lambda: machine_view.guest(self),
            storage=lambda: machine_view.storage(self),
            layoutEx=lambda: machine_view.layout(self),
            snapshot=lambda: snapshot_info(self.snapshots),
            capability=vim.vm.Capability(),
            datastore=[place.datastore.ref],
            network=[place.network.ref],
            resourcePool=place.pool.ref,
            parent=None if in_vapp else place.parent.ref,
            parentVApp=place.parent.ref if in_vapp else None,
            rootSnapshot=lambda: [snapshot.ref for snapshot in self.snapshots],
            recentTask=lambda: [lease.task.ref for lease in self.leases],
            disabledMethod=self._disabled,
            overallStatus=vim.ManagedEntity.Status.green,
            configStatus=vim.ManagedEntity.Status.green,
            guestHeartbeatStatus=vim.ManagedEntity.Status.gray,
        )
        for owner in place.owners():
            members(owner, "childEntity" if owner.knows("childEntity") else "vm").append(self.ref)
        world.touch()

    @property
    def committed(self) -> int:
        """Bytes that the VM takes in its datastore."""
        return sum(file.size for file in self.files)

    def _disabled(self) -> list[str]:
        blocked = ["PowerOnVM_Task", "Destroy_Task", "RelocateVM_Task", "MigrateVM_Task"]
        return blocked if self.leases else []

    def refuse_if_leased(self) -> None:
        """Operations that alter a VM are blocked while a lease covers it.

        Raises:
            vim.fault.TaskInProgress: With the task of the lease.
        """
        if self.leases:
            raise fault("vim.fault.TaskInProgress", task=self.leases[0].task.ref)

    def refuse_power(self, state: Any, requested: Any = None) -> None:
        """Raises InvalidPowerState in this state."""
        if self.power == state:
            raise fault(
                "vim.fault.InvalidPowerState", existingState=state, requestedState=requested
            )

    @answers("PowerOnVM_Task")
    async def power_on(self, call: Call) -> Any:
        """Switches it on."""
        return self._power(call, _Power.poweredOn)

    @answers("PowerOffVM_Task")
    async def power_off(self, call: Call) -> Any:
        """Switches it off."""
        return self._power(call, _Power.poweredOff)

    def _power(self, call: Call, state: Any) -> Any:
        self.refuse_if_leased()
        self.refuse_power(state, state)

        async def work() -> None:
            self.power = state

        return Task(self.world, call.method, self).run(work)

    @answers("Destroy_Task")
    async def destroy_task(self, call: Call) -> Any:
        """Deletes it."""
        self.refuse_if_leased()
        self.refuse_power(_Power.poweredOn, _Power.poweredOff)

        async def work() -> None:
            self.destroy()

        return Task(self.world, call.method, self).run(work)

    @answers("RelocateVM_Task", "MigrateVM_Task", "ReconfigVM_Task")
    async def move(self, call: Call) -> Any:
        """Goes through and changes nothing: there is one host and one datastore."""
        self.refuse_if_leased()

        async def work() -> None:
            return None

        return Task(self.world, call.method, self).run(work)

    @answers("Rename_Task")
    async def rename(self, call: Call) -> Any:
        """Gives it another name."""
        self.refuse_if_leased()
        name = entity_name(call.arg("newName"))
        refuse_name(self.world, name, self)

        async def work() -> None:
            self.props["name"] = self.config.name = name

        return Task(self.world, call.method, self).run(work)

    @answers("CreateSnapshot_Task", "CreateSnapshotEx_Task")
    async def create_snapshot(self, call: Call) -> Any:
        """Takes a snapshot."""
        self.refuse_if_leased()

        async def work() -> Any:
            return self.take_snapshot(call.arg("name"), call.arg("description", "")).ref

        return Task(self.world, call.method, self).run(work)

    @answers("RemoveAllSnapshots_Task")
    async def remove_snapshots(self, call: Call) -> Any:
        """Removes all snapshots."""
        self.refuse_if_leased()

        async def work() -> None:
            for snapshot in list(self.snapshots):
                snapshot.remove()

        return Task(self.world, call.method, self).run(work)

    @answers("ExportVm")
    async def export(self, call: Call) -> Any:
        """A lease on the files of a VM that is switched off."""
        from nfclease.simulator.exports import export_lease

        self.refuse_power(_Power.poweredOn, _Power.poweredOff)
        return export_lease(self.world, call, self, [self]).ref

    def take_snapshot(self, name: str, description: str = "") -> Snapshot:
        """Takes a snapshot, at once."""
        snapshot = Snapshot(self.world, self, name, description)
        self.snapshots.append(snapshot)
        return snapshot

    def destroy(self) -> None:
        """Takes the VM out of the inventory."""
        for snapshot in list(self.snapshots):
            snapshot.remove()
        for owner in self.place.owners():
            for name in ("childEntity", "vm"):
                unlink(self.ref, owner, name)
        self.forget()


def members(owner: Managed, name: str) -> list[Any]:
    """The list that is a property of an owner."""
    found: list[Any] = owner.props.setdefault(name, [])
    return found


def unlink(ref: Any, owner: Managed, name: str) -> None:
    """Takes a reference out of an owner's list, if it has such a list."""
    listed = owner.props.get(name)
    if isinstance(listed, list) and ref in listed:
        listed.remove(ref)
