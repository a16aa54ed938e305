"""``import_vapp`` on either face, and what the server saw of it."""

from __future__ import annotations

import asyncio
from typing import Any

from pyVmomi import vim

from nfclease.appliance.importing import import_vapp, import_vapp_async
from nfclease.simulator import Simulator


class Importing:
    """Imports packages beside a VM, on one face."""

    def __init__(self, face: str, vm: Any) -> None:
        self.vm = vm
        self._face = face

    def __call__(self, source: Any, pool: Any = None, **options: Any) -> Any:
        pool = pool or self.vm.resourcePool
        if self._face == "blocking":
            return import_vapp(source, pool, **options)

        async def awaited() -> Any:
            return await import_vapp_async(source, pool, **options)

        return asyncio.run(awaited())


def calls_of(simulator: Simulator, method: str) -> int:
    """How often the server was asked for this."""
    return [call["method"] for call in simulator.calls()].count(method)


def vm_names(service: Any) -> list[str]:
    """What the VMs of the server are called."""
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
    try:
        return [vm.name for vm in view.view]
    finally:
        view.Destroy()
