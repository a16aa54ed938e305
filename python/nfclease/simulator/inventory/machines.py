"""Virtual machines."""

from __future__ import annotations

import copy
import datetime
from typing import TYPE_CHECKING, Any

from nfclease.simulator.inventory import devices, machine_view
from nfclease.simulator.inventory.configuring import configure, reconfigure
from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.moving import Place, moved
from nfclease.simulator.inventory.names import entity_name, refuse_name
from nfclease.simulator.inventory.snapshots import Snapshot, snapshot_info
from nfclease.simulator.services.session import now
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Call, Managed, World, answers

if TYPE_CHECKING:
    from nfclease.simulator.lease.lease import Lease

_Power: Any = vim.VirtualMachine.PowerState


class Machine(Managed):
    """vim.VirtualMachine, made from a ConfigSpec as a real server makes it."""

    def __init__(self, world: World, place: Place, spec: Any, files: list[VmFile]) -> None:
        super().__init__(
            world, vim.VirtualMachine, f"vm-{world.number()}", name=entity_name(spec.name)
        )
        self.place = place
        self.files: list[VmFile] = files
        self.power: Any = _Power.poweredOff
        self.created: datetime.datetime = now()
        self.leases: list[Lease] = []
        self.snapshots: list[Snapshot] = []
        self.current_snapshot: Snapshot | None = None
        self.config: Any = configure(self, spec)
        self.props.update(
            config=lambda: self.config,
            runtime=lambda: machine_view.runtime(self),
            summary=lambda: machine_view.summary(self),
            guest=lambda: machine_view.guest(self),
            storage=lambda: machine_view.storage(self),
            layoutEx=lambda: machine_view.layout(self),
            snapshot=lambda: snapshot_info(self),
            capability=vim.vm.Capability(
                snapshotOperationsSupported=True,
                multipleSnapshotsSupported=True,
                poweredOffSnapshotsSupported=True,
                bootOptionsSupported=True,
            ),
            environmentBrowser=world.objects["envbrowser-7"].ref,
            datastore=[place.datastore.ref],
            network=lambda: list(self.networks().values()),
            resourcePool=lambda: self.place.pool.ref,
            parent=lambda: None if self._in_vapp() else self.place.parent.ref,
            parentVApp=lambda: self.place.parent.ref if self._in_vapp() else None,
            resourceConfig=lambda: machine_view.resources(self),
            effectiveRole=[-1],
            rootSnapshot=lambda: [one.ref for one in self.snapshots if one.parent is None],
            recentTask=lambda: [lease.task.ref for lease in self.leases],
            disabledMethod=self._disabled,
            overallStatus=vim.ManagedEntity.Status.green,
            configStatus=vim.ManagedEntity.Status.green,
            guestHeartbeatStatus=vim.ManagedEntity.Status.gray,
        )
        self._link()

    def _link(self) -> None:
        for owner in self.place.owners():
            members(owner, "childEntity" if owner.knows("childEntity") else "vm").append(self.ref)
        self.world.touch()

    def _unlink(self) -> None:
        for owner in self.place.owners():
            for name in ("childEntity", "vm"):
                unlink(self.ref, owner, name)

    def _in_vapp(self) -> bool:
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

    @answers("ReconfigVM_Task")
    async def reconfigure(self, call: Call) -> Any:
        """Changes its configuration."""
        self.refuse_if_leased()

        async def work() -> None:
            reconfigure(self, call.arg("spec"))

        return Task(self.world, call.method, self).run(work)

    @answers("RelocateVM_Task", "MigrateVM_Task")
    async def move(self, call: Call) -> Any:
        """Moves it, within what there is: another folder, another pool."""
        self.refuse_if_leased()
        to = moved(self, call)

        async def work() -> None:
            self._unlink()
            self.place = to
            self._link()

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
        from nfclease.simulator.lease.exports import export_lease

        self.refuse_power(_Power.poweredOn, _Power.poweredOff)
        return export_lease(self.world, call, self, [self]).ref

    def take_snapshot(self, name: str, description: str = "") -> Snapshot:
        """Takes a snapshot, at once."""
        snapshot = Snapshot(self.world, self, name, description)
        self.snapshots.append(snapshot)
        self.current_snapshot = snapshot
        self.world.touch()
        return snapshot

    def revert(self, snapshot: Snapshot) -> None:
        """Is as it was when a snapshot was taken; off, for memory is not kept."""
        self.config, self.files = copy.deepcopy(snapshot.config), list(snapshot.files)
        self.config.name = self.name
        self.power, self.current_snapshot = _Power.poweredOff, snapshot
        self.world.touch()

    def destroy(self) -> None:
        """Takes the VM out of the inventory."""
        for snapshot in list(self.snapshots):
            snapshot.remove()
        self._unlink()
        self.forget()


__all__ = ["Machine", "Place", "members", "unlink"]


def members(owner: Managed, name: str) -> list[Any]:
    """The list that is a property of an owner."""
    found: list[Any] = owner.props.setdefault(name, [])
    return found


def unlink(ref: Any, owner: Managed, name: str) -> None:
    """Takes a reference out of an owner's list, if it has such a list."""
    listed = owner.props.get(name)
    if isinstance(listed, list) and ref in listed:
        listed.remove(ref)
