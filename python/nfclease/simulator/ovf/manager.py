"""vim.OvfManager: what it answers."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory.machine import Machine, Snapshot
from nfclease.simulator.inventory.pools import VirtualApp
from nfclease.simulator.ovf import checks, reader, specs, writer
from nfclease.simulator.ovf.products import product_infos
from nfclease.simulator.registry import Call, handles
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed


@handles(vim.OvfManager, "CreateDescriptor")
async def create_descriptor(manager: Managed, call: Call) -> Any:
    """The descriptor of a VM or a vApp."""
    found = manager.world.find(call.arg("obj"))
    params = call.arg("cdp")
    vapp = found if isinstance(found, VirtualApp) else None
    if isinstance(found, VirtualApp):
        machines = found.machines()
    elif isinstance(found, Machine):
        machines = [found]
    else:
        raise fault("vmodl.fault.InvalidArgument", invalidProperty="obj")
    if params.snapshot is not None:
        snapshot = manager.world.find(params.snapshot)
        if not isinstance(snapshot, Snapshot) or [snapshot.machine] != machines:
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="cdp.snapshot")
        machines = [snapshot.as_it_was()]
    made = writer.create_descriptor(found.name, machines, vapp, params)
    told = checks.from_faults(manager.world, call.method)
    made.error, made.warning = [*made.error, *told.errors], [*made.warning, *told.warnings]
    if made.error:
        made.ovfDescriptor = ""
    return made


@handles(vim.OvfManager, "CreateImportSpec")
async def create_import_spec(manager: Managed, call: Call) -> Any:
    """What ImportVApp takes, and the files that the lease will want."""
    for name, kind in (("resourcePool", vim.ResourcePool), ("datastore", vim.Datastore)):
        manager.world.expect(call.arg(name), kind, name)
    return specs.create_import_spec(manager.world, call.arg("ovfDescriptor", ""), call.arg("cisp"))


@handles(vim.OvfManager, "ParseDescriptor")
async def parse_descriptor(manager: Managed, call: Call) -> Any:
    """What a descriptor is about."""
    result = vim.OvfManager.ParseDescriptorResult(annotation="", defaultEntityName="")
    params = call.arg("pdp")
    try:
        option = params.deploymentOption if params else ""
        read = reader.parse(call.arg("ovfDescriptor", ""), option=option or "")
    except vim.fault.OvfFault as error:
        result.error = [error]
        return result
    result.defaultEntityName = read.name
    result.virtualApp = read.vapp
    result.annotation = read.systems[0].annotation
    result.defaultDeploymentOption = read.option
    result.deploymentOption = [
        vim.OvfManager.DeploymentOption(key=one.id, label=one.label, description=one.description)
        for one in read.options
    ]
    result.network = [
        vim.OvfManager.NetworkInfo(name=name, description=text)
        for name, text in read.networks.items()
    ]
    infos, properties = product_infos(read.all_products())
    result.property, result.productInfo = properties, next(iter(infos), None)
    result.approximateDownloadSize = sum(file.size or 0 for file in read.files.values())
    capacity = sum(disk.capacity for disk in read.disks.values())
    result.approximateFlatDeploymentSize = capacity
    return result
