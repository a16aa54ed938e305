"""Resource pools and vApps."""

from __future__ import annotations

import dataclasses
from typing import Any

from nfclease.simulator.inventory import vapp_config
from nfclease.simulator.inventory.hosts import capacity
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.inventory.names import entity_name
from nfclease.simulator.inventory.place import Place, members, unlink
from nfclease.simulator.services.tasks import recent
from nfclease.simulator.soap.neutral import complete
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import Managed, World


def pool_config() -> Any:
    """Resources without a limit, as a pool has them by default."""
    shares = vim.SharesInfo(shares=4000, level=vim.SharesInfo.Level.normal)
    allocation = vim.ResourceAllocationInfo(
        reservation=0, expandableReservation=True, limit=-1, shares=shares
    )
    return vim.ResourceConfigSpec(cpuAllocation=allocation, memoryAllocation=allocation)


class ResourcePool(Managed):
    """vim.ResourcePool."""

    def __init__(
        self,
        world: World,
        kind: Any,
        moid: str,
        name: str,
        parent: Managed,
        usual: Place,
    ) -> None:
        green = vim.ManagedEntity.Status.green
        super().__init__(
            world,
            kind,
            moid,
            name=entity_name(name),
            parent=parent.ref,
            owner=parent.props.get("owner"),
            overallStatus=green,
            configStatus=green,
            resourcePool=[],
            vm=[],
            config=pool_config(),
        )
        #: Where a VM goes that is asked for here, and nothing else is said of it.
        self.usual: Place = usual
        self.props["config"].entity = self.ref
        self.props.update(runtime=self._runtime, summary=self._summary)

    def _runtime(self) -> Any:
        mhz, memory = capacity()
        usage = vim.ResourcePool.ResourceUsage
        return vim.ResourcePool.RuntimeInfo(
            cpu=usage(unreservedForPool=mhz, unreservedForVm=mhz, maxUsage=mhz),
            memory=usage(unreservedForPool=memory, unreservedForVm=memory, maxUsage=memory),
            overallStatus=vim.ManagedEntity.Status.green,
        )

    def _summary(self) -> Any:
        return vim.ResourcePool.Summary(
            name=self.name, config=self.props["config"], runtime=self._runtime()
        )

    def place(self, folder: Managed | None = None) -> Place:
        """Where a new VM of this pool is to be."""
        return dataclasses.replace(self.usual, parent=folder or self.usual.parent, pool=self)

    def add_vapp(self, name: str, folder: Managed | None = None) -> VirtualApp:
        """Makes an empty vApp in it."""
        moid = f"resgroup-v{self.world.number()}"
        usual = dataclasses.replace(self.usual, parent=folder or self.usual.parent)
        return VirtualApp(self.world, vim.VirtualApp, moid, name, self, usual)

    def machines(self) -> list[Machine]:
        """The VMs in it."""
        found = (self.world.objects.get(ref._moId) for ref in self.props["vm"])
        return [machine for machine in found if isinstance(machine, Machine)]


class VirtualApp(ResourcePool):
    """vim.VirtualApp."""

    def __init__(
        self, world: World, kind: Any, moid: str, name: str, parent: Managed, usual: Place
    ) -> None:
        super().__init__(world, kind, moid, name, parent, usual)
        self.props["parentFolder"] = usual.parent.ref
        self.props["recentTask"] = lambda: recent(self)
        members(parent, "resourcePool").append(self.ref)
        members(usual.parent, "childEntity").append(self.ref)
        world.touch()

    def place(self, folder: Managed | None = None) -> Place:
        """A vApp is folder and pool in one."""
        return dataclasses.replace(self.usual, parent=self, pool=self)

    def destroy(self) -> None:
        """Takes it out of its pool and folder."""
        for owner in list(self.world.objects.values()):
            unlink(self.ref, owner, "resourcePool")
            unlink(self.ref, owner, "childEntity")
        self.forget()

    def is_started(self) -> bool:
        """Whether one of its VMs runs."""
        states = vim.VirtualMachine.PowerState
        return any(machine.power == states.poweredOn for machine in self.machines())

    def _summary(self) -> Any:
        return vim.VirtualApp.Summary(
            name=self.name,
            config=self.props["config"],
            runtime=self._runtime(),
            suspended=False,
            vAppState="started" if self.is_started() else "stopped",
        )

    def configure(self, spec: Any) -> None:
        """Takes over what a VAppImportSpec says of the vApp itself."""
        if spec.resourcePoolSpec is not None:
            self.props["config"] = spec.resourcePoolSpec
            self.props["config"].entity = self.ref
        self.props["vAppConfig"] = complete(vim.vApp.VAppConfigInfo())
        vapp_config.apply(self.props["vAppConfig"], spec.vAppConfigSpec)
