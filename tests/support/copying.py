"""``copy_vm`` on either face, from one simulator to another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import nfclease
from nfclease.simulator import Simulator

from .importing import vm_names
from .leases import endings


class Site(NamedTuple):
    """A simulator, a session with it, and its demo VM."""

    simulator: Simulator
    service: Any
    vm: Any


class Copying:
    """Copies VMs to the pool of the target's demo VM, on one face."""

    def __init__(self, face: str, source: Site, target: Site, spool: Path) -> None:
        self._face, self.source, self.target, self._spool = face, source, target, spool

    def __call__(self, vm: Any = None, **options: Any) -> nfclease.CopyResult:
        vm, pool = vm or self.source.vm, self.target.vm.resourcePool
        if self._face == "blocking":
            return nfclease.copy_vm(vm, pool, **options)

        async def awaited() -> nfclease.CopyResult:
            return await nfclease.copy_vm_async(vm, pool, **options)

        return asyncio.run(awaited())

    def spooled(self) -> list[Path]:
        """The files that are spooled at this moment."""
        return [path for path in self._spool.rglob("*") if path.is_file()]

    def check_nothing_left(self, name: str) -> None:
        """Each lease has ended in one Abort, and there is neither a spool nor a VM."""
        for site in (self.source, self.target):
            assert endings(site.simulator) == ["HttpNfcLeaseAbort"]
        assert list(self._spool.iterdir()) == []
        assert name not in vm_names(self.target.service)
