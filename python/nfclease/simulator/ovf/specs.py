"""From a descriptor to an import spec, and the files that its import waits for."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory.pools import pool_config
from nfclease.simulator.lease.imports import awaited
from nfclease.simulator.ovf import checks, products, reader
from nfclease.simulator.ovf.hardware import config_spec
from nfclease.simulator.ovf.model import Descriptor
from nfclease.simulator.soap.vsphere import MethodFault, fault, vim
from nfclease.simulator.world import World

_CIM = {"disk": 17, "iso": 15, "nvram": 1}
#: What disks can be here; the last is taken for a spec, and refused by the host.
_PROVISIONING = ("flat", "monolithicFlat", "thin", "thick", "eagerZeroedThick", "seSparse")
_HOSTED = "monolithicSparse"


def create_import_spec(world: World, text: str, params: Any) -> Any:
    """A CreateImportSpecResult; what is wrong with the descriptor is in its ``error``."""
    result = vim.OvfManager.CreateImportSpecResult()
    told = checks.from_faults(world, "CreateImportSpec")
    try:
        _refuse_params(world, params)
        mapping = {pair.key: pair.value for pair in params.propertyMapping}
        read = reader.parse(text, mapping, params.deploymentOption or "")
        specs = [
            config_spec(read, system, system.name if read.vapp else params.entityName, params)
            for system in read.systems
        ]
        items = [item for spec in specs for item in _file_items(read, spec)]
        found = checks.judge(read, mapping)
    except MethodFault as error:
        result.error = [error, *told.errors]
        return result
    result.error = [*found.errors, *told.errors]
    result.warning = [*_unused(read, params), *found.warnings, *told.warnings]
    if result.error:
        return result
    result.fileItem = items
    if read.vapp:
        infos = products.config_spec(read.products)
        result.importSpec = vim.vApp.VAppImportSpec(
            name=params.entityName or read.name,
            vAppConfigSpec=vim.vApp.VAppConfigSpec(
                product=infos.product if infos else [], property=infos.property if infos else []
            ),
            resourcePoolSpec=pool_config(),
            child=[vim.vm.VmImportSpec(configSpec=spec) for spec in specs],
        )
    else:
        result.importSpec = vim.vm.VmImportSpec(configSpec=specs[0])
    changed = world.faults.take("file_item_path", {})
    if changed is not None and result.fileItem:
        result.fileItem[0].path = changed["value"]
    return result


def _refuse_params(world: World, params: Any) -> None:
    """Refuses what nothing here would follow, or what is not there."""
    for pair in params.networkMapping:
        world.expect(pair.network, vim.Network, "cisp.networkMapping")
    if params.hostSystem is not None:
        world.expect(params.hostSystem, vim.HostSystem, "cisp.hostSystem")
    provisioning = params.diskProvisioning
    if provisioning and provisioning not in (*_PROVISIONING, _HOSTED):
        raise fault(
            "vim.fault.OvfUnsupportedDiskProvisioning",
            diskProvisioning=provisioning,
            supportedDiskProvisioning=", ".join(_PROVISIONING),
        )
    for name in ("resourceMapping", "storageProfileMapping"):
        if getattr(params, name, None):
            message = f"{name} is not followed here"
            raise fault("vmodl.fault.NotSupported", message)


def _unused(read: Descriptor, params: Any) -> list[Any]:
    """Warnings of mappings for what the descriptor has not."""
    keys = {
        one.full_key
        for product in read.all_products()
        for one in product.properties
        if one.configurable
    }
    wrong = [f"propertyMapping({p.key})" for p in params.propertyMapping if p.key not in keys]
    wrong += [
        f"networkMapping({p.name})" for p in params.networkMapping if p.name not in read.networks
    ]
    return [fault("vmodl.fault.InvalidArgument", invalidProperty=f"cisp.{name}") for name in wrong]


def _file_items(read: Descriptor, spec: Any) -> list[Any]:
    items = []
    order = list(read.files)
    chained = [(file, one) for file, last in awaited(spec) for one in _chain(read, last)]
    for file, file_id in sorted(chained, key=lambda pair: order.index(pair[1])):
        described = read.files[file_id]
        items.append(
            vim.OvfManager.FileItem(
                deviceId=f"/{spec.name}/{file.device}",
                path=described.href,
                compressionMethod=described.compression,
                chunkSize=described.chunk_size,
                size=described.size,
                cimType=_CIM[file.kind],
                create=not file.disk,
            )
        )
    return items


def _chain(read: Descriptor, file_id: str) -> list[str]:
    """The files that a disk is made of: its own, and before it those that it is a delta of."""
    found = next((disk for disk in read.disks.values() if disk.file == file_id), None)
    files = [file_id]
    while found is not None and found.parent is not None:
        found = read.disks.get(found.parent)
        if found is not None and found.file is not None and found.file not in files:
            files.insert(0, found.file)
        else:
            break
    return files
