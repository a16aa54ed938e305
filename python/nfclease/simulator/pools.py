"""Resource pools and vApps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nfclease.simulator.exports import export_lease
from nfclease.simulator.machines import Machine
from nfclease.simulator.names import entity_name
from nfclease.simulator.vsphere import vim
from nfclease.simulator.world import Call, Managed, World, answers

if TYPE_CHECKING:
    from nfclease.simulator.inventory import Inventory


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
        )
        self.inventory = inventory

    @answers("ImportVApp")
    async def import_vapp(self, call: Call) -> Any:
        """A lease on a VM or vApp that is yet to be made."""
        from nfclease.simulator.imports import import_lease

        return import_lease(self.inventory, self, call).ref

    def machines(self) -> list[Machine]:
        """The VMs in it."""
        found = (self.world.objects.get(ref._moId) for ref in self.props["vm"])
        return [machine for machine in found if isinstance(machine, Machine)]


class VirtualApp(ResourcePool):
    """vim.VirtualApp."""

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
