"""The entities of the inventory that do nothing: folders, the host, the datastore, the network."""

from __future__ import annotations

import datetime
from typing import Any

from nfclease.simulator.vsphere import vim
from nfclease.simulator.world import Managed, World

_GREEN = vim.ManagedEntity.Status.green
_TIB = 1 << 40


def entity(world: World, kind: Any, moid: str, name: str, parent: Managed | None) -> Managed:
    """A managed entity with what all have."""
    return Managed(
        world,
        kind,
        moid,
        name=name,
        parent=parent.ref if parent else None,
        overallStatus=_GREEN,
        configStatus=_GREEN,
    )


def folder(world: World, moid: str, name: str, parent: Managed | None) -> Managed:
    """A folder."""
    made = entity(world, vim.Folder, moid, name, parent)
    made.props["childEntity"] = []
    return made


def host_system(world: World, compute: Managed) -> Managed:
    """The one ESXi host."""
    host = entity(world, vim.HostSystem, "host-10", "esx-1.example", compute)
    product = vim.AboutInfo(
        name="VMware ESXi",
        fullName=f"VMware ESXi {world.product_version}",
        vendor="VMware, Inc.",
        version=world.product_version,
        build="24677879",
        osType="vmnix-x86",
        productLineId="embeddedEsx",
        apiType="HostAgent",
        apiVersion=world.api_version,
    )
    host.props.update(
        runtime=vim.host.RuntimeInfo(
            connectionState=vim.HostSystem.ConnectionState.connected,
            powerState=vim.HostSystem.PowerState.poweredOn,
            inMaintenanceMode=False,
            bootTime=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
        ),
        config=vim.host.ConfigInfo(host=host.ref, product=product),
        summary=vim.host.Summary(
            host=host.ref,
            overallStatus=_GREEN,
            rebootRequired=False,
            config=vim.host.Summary.ConfigSummary(
                name=host.name, port=443, product=product, vmotionEnabled=True
            ),
            quickStats=vim.host.Summary.QuickStats(),
        ),
    )
    return host


def datastore(world: World, parent: Managed, host: Managed) -> Managed:
    """The one datastore."""
    made = entity(world, vim.Datastore, "datastore-11", "datastore1", parent)
    url = "ds:///vmfs/volumes/simulator/"
    made.props.update(
        info=vim.Datastore.Info(name=made.name, url=url, freeSpace=_TIB, maxFileSize=_TIB),
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
        host=[
            vim.Datastore.HostMount(
                key=host.ref,
                mountInfo=vim.host.MountInfo(path=url, accessMode="readWrite", mounted=True),
            )
        ],
        capability=vim.Datastore.Capability(),
    )
    return made


def network(world: World, parent: Managed) -> Managed:
    """The one network."""
    made = entity(world, vim.Network, "network-12", "VM Network", parent)
    made.props["summary"] = vim.Network.Summary(
        network=made.ref, name=made.name, accessible=True, ipPoolName=""
    )
    return made
