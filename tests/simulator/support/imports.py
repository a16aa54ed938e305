"""Descriptors, import specs and imports."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from .calls import by_path, ready

VMDK = {"Content-Type": "application/x-vnd.vmware-streamVmdk"}
CREATE = {"Content-Type": "application/octet-stream", "Overwrite": "t"}


def descriptor(service: Any, entity: Any, **params: Any) -> str:
    params.setdefault("includeImageFiles", True)
    result = service.content.ovfManager.CreateDescriptor(
        obj=entity, cdp=vim.OvfManager.CreateDescriptorParams(**params)
    )
    assert not result.error
    text: str = result.ovfDescriptor
    return text


def import_spec(service: Any, text: str, name: str, **params: Any) -> Any:
    vm = by_path(service, "vm/demo-vm")
    result = service.content.ovfManager.CreateImportSpec(
        text,
        vm.resourcePool,
        vm.datastore[0],
        vim.OvfManager.CreateImportSpecParams(entityName=name, **params),
    )
    return result


def open_import(service: Any, name: str) -> tuple[Any, Any]:
    vm = by_path(service, "vm/demo-vm")
    spec = import_spec(service, descriptor(service, vm), name)
    assert not spec.error
    return ready(vm.resourcePool.ImportVApp(spec.importSpec, vm.parent)), spec.fileItem


def url_of(lease: Any, item: Any) -> Any:
    [found] = [url for url in lease.info.deviceUrl if url.importKey == item.deviceId]
    return found
