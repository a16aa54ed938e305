"""Tasks that hold a VM and do nothing else: what another client, living or dead, has left."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import fault, vim


class Holding(Task):
    """A task of somebody else, which holds a VM until it is cancelled or ended.

    Args:
        machine: The VM.
        method: What it does, such as ``ExportVm``.
        user: Who started it.
        age: Seconds since it was started.
        cancelable: Whether ``CancelTask`` ends it.
    """

    def __init__(
        self, machine: Machine, method: str, user: str, age: float, cancelable: bool
    ) -> None:
        if method not in {info.wsdlName for info in vim.VirtualMachine._GetMethodList()}:
            raise ValueError(f"a VM has no method {method!r}")
        super().__init__(machine.world, method, machine)
        self.user = user
        self._queued -= datetime.timedelta(seconds=age)
        self._machine = machine
        machine.blocking.append(self)
        if cancelable:
            self.on_cancel: Callable[[], None] | None = self.end
        machine.world.touch()

    def end(self) -> None:
        """Ends it, as if it was cancelled."""
        if self in self._machine.blocking:
            self._machine.blocking.remove(self)
        self.finish(error=fault("vmodl.fault.RequestCanceled"))


def end_all(machine: Machine) -> None:
    """Ends those of a VM, and leaves its leases."""
    for task in list(machine.blocking):
        if isinstance(task, Holding):
            task.end()
