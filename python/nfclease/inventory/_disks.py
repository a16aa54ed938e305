"""The virtual disks of a VM or vApp, by the keys that a lease has for them."""

from __future__ import annotations

from pyVmomi import vim

from nfclease.inventory._reading import content_of, read, step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: The property that has them, of a VM and of a snapshot.
DEVICES = "config.hardware.device"


def machines(entity: Any, names: Iterable[str]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The VM, or each of a vApp, with those of the named properties that it has; calls."""
    steps = []
    if isinstance(entity, vim.VirtualApp):
        steps = [
            step("vms", vim.VirtualApp, "vm"),
            step("inner", vim.VirtualApp, "resourcePool", ["vms", "inner"]),
        ]
    collector = content_of(entity._stub).propertyCollector
    yield from read(collector, entity, steps, {vim.VirtualMachine: list(names)})


def by_key(vm: str, devices: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """The disks among these devices of a VM, whose moId is `vm`, with ``DeviceUrl.key`` of each.

    Raises:
        LookupError: A disk has a controller that is not among them.
    """
    devices = list(devices)
    controllers = {device.key: device for device in devices}
    for disk in devices:
        if isinstance(disk, vim.vm.device.VirtualDisk):
            at = controllers[disk.controllerKey]
            yield f"/{vm}/{type(at)._wsdlName}{at.busNumber}:{disk.unitNumber}", disk
