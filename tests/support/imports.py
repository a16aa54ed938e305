"""Imports of the demo VM, from files that were exported or from none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pyVmomi import vim

from nfclease import TransferResult

from .leases import disk_of


class Imported(NamedTuple):
    """An import of one disk: pyvmomi's lease, the disk's item and file, the name of the new VM."""

    raw: Any
    item: Any
    path: Path
    name: str


def descriptor_of(service: Any, vm: Any, files: Iterable[TransferResult] = ()) -> str:
    """The OVF descriptor that the server writes of a VM, with the files of an export of it."""
    listed = [
        vim.OvfManager.OvfFile(deviceId=result.key, path=result.name, size=result.bytes)
        for result in files
    ]
    named = vim.OvfManager.CreateDescriptorParams(name="x", ovfFiles=listed)
    made = service.content.ovfManager.CreateDescriptor(vm, named)
    assert not made.error
    text: str = made.ovfDescriptor
    return text


def spec_of(service: Any, vm: Any, descriptor: str, name: str) -> Any:
    """What a server wants for an import, beside this VM."""
    params = vim.OvfManager.CreateImportSpecParams(entityName=name)
    manager, pool = service.content.ovfManager, vm.resourcePool
    spec = manager.CreateImportSpec(descriptor, pool, vm.datastore[0], params)
    assert not spec.error
    return spec


def import_spec(service: Any, vm: Any, name: str, files: Iterable[TransferResult] = ()) -> Any:
    """The same for an import of the VM itself, under another name."""
    return spec_of(service, vm, descriptor_of(service, vm, files), name)


def import_vm(vm: Any, spec: Any) -> Any:
    """The lease of an import beside this VM."""
    return vm.resourcePool.ImportVApp(spec.importSpec, vm.parent)


def import_one_disk(
    open_lease: Callable[..., Any], service: Any, vm: Any, directory: Path, name: str
) -> Imported:
    """An import of one disk of the VM, which is exported into the directory before."""
    with open_lease(vm.ExportVm()) as lease:
        result = lease.download(disk_of(lease), directory / "source.vmdk")
    spec = import_spec(service, vm, name, [dataclasses.replace(result, name="source.vmdk")])
    [item] = [item for item in spec.fileItem if item.path == "source.vmdk"]
    return Imported(import_vm(vm, spec), item, directory / "source.vmdk", name)
