"""What is on the simulated vCenter, and sessions with it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease.simulator import Simulator

from .waiting import wait_for

#: Small enough for a fast suite, large enough for several buffers and grains.
DISK_SIZE = 3 << 20

_numbers = itertools.count(1)


def connected(simulator: Simulator) -> Iterator[Any]:
    """A session that ends with the iteration, as a fixture's does."""
    session = simulator.connect()
    try:
        yield session
    finally:
        Disconnect(session)
        session._stub.DropConnections()  # pyvmomi leaves its pool to the garbage collector


def find(service: Any, kind: Any, name: str) -> Any:
    """The managed object of a kind with this name."""
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [kind], True)
    try:
        [found] = [entity for entity in view.view if entity.name == name]
    finally:
        view.Destroy()
    return found


def demo_vm_of(service: Any) -> Any:
    """The VM that the tests export, as this session sees it."""
    return find(service, vim.VirtualMachine, "demo-vm")


def unique(name: str) -> str:
    """A name that no VM of this run has: a test on both faces imports twice."""
    return f"{name}-{next(_numbers)}"


def added_vms(simulator: Simulator, name: str, count: int) -> list[str]:
    """The names of so many new VMs, each of one disk and nothing else."""
    names = [unique(name) for _ in range(count)]
    for each in names:
        simulator.add_vm(each, disks=1, nvram=False)
    return names


def add_disks(vm: Any, *mebibytes: int) -> None:
    """Gives a VM more disks, empty ones, that can hold so many MiB each."""
    controller = next(
        device
        for device in vm.config.hardware.device
        if isinstance(device, vim.vm.device.VirtualSCSIController)
    )
    taken = {each.unitNumber for each in vm.config.hardware.device if each.controllerKey}
    units = (unit for unit in range(16) if unit != 7 and unit not in taken)
    kind = vim.vm.device
    changes = [
        kind.VirtualDeviceSpec(
            operation="add",
            fileOperation="create",
            device=kind.VirtualDisk(
                key=-number,
                controllerKey=controller.key,
                unitNumber=next(units),
                capacityInKB=size << 10,
                capacityInBytes=size << 20,
                backing=kind.VirtualDisk.FlatVer2BackingInfo(
                    fileName="", diskMode="persistent", thinProvisioned=True
                ),
            ),
        )
        for number, size in enumerate(mebibytes, 1)
    ]
    _reconfigure(vm, changes)


def remove_disk(vm: Any, mebibytes: int) -> None:
    """Takes the disk from a VM that can hold so many MiB."""
    [disk] = [
        device
        for device in vm.config.hardware.device
        if getattr(device, "capacityInKB", None) == mebibytes << 10
    ]
    _reconfigure(vm, [vim.vm.device.VirtualDeviceSpec(operation="remove", device=disk)])


def _reconfigure(vm: Any, changes: list[Any]) -> None:
    task = vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=changes))
    wait_for(lambda: task.info.state in ("success", "error"))
    assert task.info.state == "success", task.info.error
