"""Snapshots of virtual machines."""

from __future__ import annotations

import copy
import datetime
from typing import TYPE_CHECKING, Any

from nfclease.simulator.services.session import now
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import Call, Managed, World, answers

if TYPE_CHECKING:
    from nfclease.simulator.inventory.devices import VmFile
    from nfclease.simulator.inventory.machines import Machine


class Snapshot(Managed):
    """vim.vm.Snapshot: the VM's configuration and files as they were."""

    def __init__(self, world: World, machine: Machine, name: str, description: str) -> None:
        super().__init__(world, vim.vm.Snapshot, f"snapshot-{world.number()}")
        self.machine = machine
        self.title = name
        self.description = description
        self.created: datetime.datetime = now()
        self.power: Any = machine.power
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
            quiesced=False,
            childSnapshotList=[child.tree() for child in self.children()],
        )

    @answers("ExportSnapshot")
    async def export(self, call: Call) -> Any:
        """A lease on the VM's files at this moment; the VM may run."""
        from nfclease.simulator.lease.exports import export_lease

        return export_lease(self.world, call, self.machine, [self.machine], self.files).ref

    @answers("RemoveSnapshot_Task")
    async def remove_task(self, call: Call) -> Any:
        """Removes it, and those below it if that is asked for."""
        self.machine.refuse_if_leased()

        async def work() -> None:
            self.remove(bool(call.arg("removeChildren")))

        return Task(self.world, call.method, self.machine).run(work)

    @answers("RevertToSnapshot_Task")
    async def revert(self, call: Call) -> Any:
        """Takes the VM back to it."""
        self.machine.refuse_if_leased()

        async def work() -> None:
            self.machine.revert(self)

        return Task(self.world, call.method, self.machine).run(work)

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


def snapshot_info(machine: Machine) -> Any:
    """A VM's SnapshotInfo; None without snapshots."""
    if not machine.snapshots:
        return None
    current = machine.current_snapshot
    return vim.vm.SnapshotInfo(
        currentSnapshot=current.ref if current else None,
        rootSnapshotList=[one.tree() for one in machine.snapshots if one.parent is None],
    )
