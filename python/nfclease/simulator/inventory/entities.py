"""The entities of the inventory that do nothing: folders, the datastore, the network."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.soap.neutral import complete
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import Managed, World

GREEN = vim.ManagedEntity.Status.green
_TIB = 1 << 40


def entity(
    world: World,
    kind: Any,
    moid: str,
    name: str,
    parent: Managed | None,
) -> Managed:
    """A managed entity with what all have."""
    return Managed(
        world,
        kind,
        moid,
        name=name,
        parent=parent.ref if parent else None,
        overallStatus=GREEN,
        configStatus=GREEN,
        effectiveRole=[-1],
        alarmActionsEnabled=True,
    )


def folder(world: World, moid: str, name: str, parent: Managed | None) -> Managed:
    """A folder."""
    made = entity(world, vim.Folder, moid, name, parent)
    made.props["childEntity"] = []
    return made


def datastore(world: World, parent: Managed, host: Managed) -> Managed:
    """The one datastore."""
    made = entity(world, vim.Datastore, "datastore-11", "datastore1", parent)
    url = "ds:///vmfs/volumes/simulator/"
    made.props.update(
        info=vim.host.VmfsDatastoreInfo(
            name=made.name,
            url=url,
            freeSpace=_TIB,
            maxFileSize=_TIB,
            vmfs=complete(
                vim.host.VmfsVolume(
                    name=made.name,
                    type="VMFS",
                    capacity=2 * _TIB,
                    majorVersion=6,
                    version="6.82",
                    uuid="00000000-00000000-0000-000000000000",
                    blockSizeMb=1,
                    ssd=True,
                    local=True,
                )
            ),
        ),
        summary=vim.Datastore.Summary(
            datastore=made.ref,
            name=made.name,
            url=url,
            capacity=2 * _TIB,
            freeSpace=_TIB,
            accessible=True,
            multipleHostAccess=False,
            type="VMFS",
        ),
        vm=[],
        host=[
            vim.Datastore.HostMount(
                key=host.ref,
                mountInfo=vim.host.MountInfo(
                    path=url.removeprefix("ds://"),
                    accessMode="readWrite",
                    mounted=True,
                    accessible=True,
                ),
            )
        ],
        capability=vim.Datastore.Capability(),
    )
    return made


def network(world: World, moid: str, name: str, parent: Managed) -> Managed:
    """A network."""
    made = entity(world, vim.Network, moid, name, parent)
    made.props.update(
        summary=vim.Network.Summary(
            network=made.ref, name=made.name, accessible=True, ipPoolName=""
        ),
        vm=lambda: [
            managed.ref
            for managed in world.objects.values()
            if isinstance(managed.ref, vim.VirtualMachine) and made.ref in managed.get("network")
        ],
    )
    return made
