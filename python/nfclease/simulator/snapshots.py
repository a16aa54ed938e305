"""Snapshots of virtual machines."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from nfclease.simulator.session import now
from nfclease.simulator.tasks import Task
from nfclease.simulator.vsphere import vim
from nfclease.simulator.world import Call, Managed, World, answers

if TYPE_CHECKING:
    from nfclease.simulator.machines import Machine


class Snapshot(Managed):
    """vim.vm.Snapshot."""

    def __init__(self, world: World, machine: Machine, name: str, description: str) -> None:
        super().__init__(world, vim.vm.Snapshot, f"snapshot-{world.number()}")
        self.machine = machine
        self.title = name
        self.description = description
        self.created: datetime.datetime = now()
        self.power: Any = machine.power
        self.props.update(config=lambda: machine.config, vm=machine.ref, childSnapshot=[])

    @property
    def name(self) -> str:
        """The VM's name: it names the files of an export."""
        return self.machine.name

    def tree(self) -> Any:
        """The snapshot in its VM's SnapshotInfo."""
        return vim.vm.SnapshotTree(
            snapshot=self.ref,
            vm=self.machine.ref,
            name=self.title,
            description=self.description,
            id=1,
            createTime=self.created,
            state=self.power,
            quiesced=False,
        )

    @answers("ExportSnapshot")
    async def export(self, call: Call) -> Any:
        """A lease on the VM's files at this moment; the VM may run."""
        from nfclease.simulator.exports import export_lease

        return export_lease(self.world, call, self.machine, [self.machine]).ref

    @answers("RemoveSnapshot_Task")
    async def remove_task(self, call: Call) -> Any:
        """Removes it."""
        self.machine.refuse_if_leased()

        async def work() -> None:
            self.remove()

        return Task(self.world, call.method, self.machine).run(work)

    def remove(self) -> None:
        """Removes it, at once."""
        if self in self.machine.snapshots:
            self.machine.snapshots.remove(self)
        self.forget()


def snapshot_info(snapshots: list[Snapshot]) -> Any:
    """A VM's SnapshotInfo; None without snapshots."""
    if not snapshots:
        return None
    trees = [snapshot.tree() for snapshot in snapshots]
    return vim.vm.SnapshotInfo(currentSnapshot=snapshots[-1].ref, rootSnapshotList=trees)
