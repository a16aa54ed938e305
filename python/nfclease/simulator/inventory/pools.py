"""Resource pools and vApps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nfclease.simulator.inventory.hosts import capacity
from nfclease.simulator.inventory.machines import Machine
from nfclease.simulator.inventory.names import entity_name
from nfclease.simulator.lease.exports import export_lease
from nfclease.simulator.soap.neutral import complete
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import Call, Managed, World, answers

if TYPE_CHECKING:
    from nfclease.simulator.inventory.inventory import Inventory


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
        inventory: Inventory,
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
        self.inventory = inventory
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

    @answers("ImportVApp")
    async def import_vapp(self, call: Call) -> Any:
        """A lease on a VM or vApp that is yet to be made."""
        from nfclease.simulator.lease.imports import import_lease

        return import_lease(self.inventory, self, call).ref

    def machines(self) -> list[Machine]:
        """The VMs in it."""
        found = (self.world.objects.get(ref._moId) for ref in self.props["vm"])
        return [machine for machine in found if isinstance(machine, Machine)]


class VirtualApp(ResourcePool):
    """vim.VirtualApp."""

    def _summary(self) -> Any:
        states = vim.VirtualMachine.PowerState
        running = any(machine.power == states.poweredOn for machine in self.machines())
        return vim.VirtualApp.Summary(
            name=self.name,
            config=self.props["config"],
            runtime=self._runtime(),
            suspended=False,
            vAppState="started" if running else "stopped",
        )

    def configure(self, spec: Any) -> None:
        """Takes over what a VAppImportSpec says of the vApp itself."""
        if spec.resourcePoolSpec is not None:
            self.props["config"] = spec.resourcePoolSpec
            self.props["config"].entity = self.ref
        asked = spec.vAppConfigSpec
        self.props["vAppConfig"] = complete(
            vim.vApp.VAppConfigInfo(
                product=[one.info for one in asked.product],
                property=[one.info for one in asked.property],
                annotation=asked.annotation or "",
            )
        )

    def refuse_power(self) -> None:
        """Raises InvalidPowerState if one of its VMs runs."""
        states = vim.VirtualMachine.PowerState
        for machine in self.machines():
            machine.refuse_power(states.poweredOn, states.poweredOff)

    @answers("ExportVApp")
    async def export(self, call: Call) -> Any:
        """A lease on the files of all its VMs."""
        self.refuse_power()
        return export_lease(self.world, call, self, self.machines()).ref
