"""The life of leases: initializing takes a while, silence expires them, errors take objects away."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pyVmomi import vim, vmodl

from nfclease.simulator.model import (
    Lease,
    LeaseDevice,
    Machine,
    MachineFile,
    ManifestEntry,
    World,
)

#: How often a ready lease is looked at for its expiry.
LOOK = 0.05


def fault_named(name: str, message: str) -> Any:
    """A fault object of this pyvmomi class, with a text."""
    space, _, rest = name.partition(".")
    kind: Any = {"vim": vim, "vmodl": vmodl}[space]
    for part in rest.split("."):
        kind = getattr(kind, part)
    return kind(msg=message)


class LeaseKeeper:
    """Opens leases and ends them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: set[asyncio.Task[None]] = set()

    def open_export(
        self, machines: list[Machine], entity: tuple[str, str], session: str
    ) -> Lease:
        """A lease over all files of some machines, each held until it ends."""
        return self._open("export", machines, entity, session, None)

    def open_import(
        self, machine: Machine, session: str, on_error: Callable[[], None]
    ) -> Lease:
        """A lease that receives the files of a machine just created."""
        entity = ("VirtualMachine", machine.moid)
        return self._open("import", [machine], entity, session, on_error)

    def progress(self, lease: Lease, percent: int) -> None:
        """``HttpNfcLeaseProgress``: renews a lease that is held."""
        if lease.state == "error":
            raise self._over(lease)
        lease.percent = percent
        lease.last_progress = time.monotonic()

    def complete(self, lease: Lease) -> None:
        """``HttpNfcLeaseComplete``."""
        if lease.state != "ready":
            raise self._over(lease)
        self._end(lease, "done", None)

    def abort(self, lease: Lease, fault: Any) -> None:
        """``HttpNfcLeaseAbort``."""
        if lease.state in ("done", "error"):
            raise self._over(lease)
        self._end(lease, "error", fault or vim.fault.RequestCanceled(msg="The lease was aborted."))

    def manifest(self, lease: Lease) -> list[ManifestEntry]:
        """``HttpNfcLeaseGetManifest``: what was sent or received so far."""
        if lease.state != "ready":
            raise self._over(lease)
        if self._world.faults.take("no_manifest"):
            return []
        entries = []
        for entry in lease.manifest.values():
            fault = self._world.faults.take("manifest", entry.key)
            if fault and fault.params.get("missing"):
                continue
            if fault:
                entry = ManifestEntry(**{**vars(entry), **fault.params})
            entries.append(entry)
        return entries

    def set_checksum_types(self, lease: Lease, types: dict[str, str]) -> None:
        """``HttpNfcLeaseSetManifestChecksumType``."""
        if lease.state != "ready":
            raise self._over(lease)
        lease.checksum_types.update(types)

    def expire(self, lease: Lease) -> None:
        """The lease times out now."""
        if lease.state in ("initializing", "ready"):
            self._end(lease, "error", vim.fault.Timedout(msg="The lease has timed out."))

    async def close(self) -> None:
        """Stops all timers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _open(
        self,
        kind: Any,
        machines: list[Machine],
        entity: tuple[str, str],
        session: str,
        on_error: Callable[[], None] | None,
    ) -> Lease:
        lease = Lease(f"session[{uuid.uuid4()}]{uuid.uuid4()}", kind, entity)
        lease.machines, lease.session, lease.on_error = machines, session, on_error
        for machine in machines:
            machine.lease = lease
        self._world.leases[lease.moid] = lease
        task = asyncio.get_running_loop().create_task(self._live(lease))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return lease

    async def _live(self, lease: Lease) -> None:
        world = self._world
        steps = 4
        for step in range(steps):
            await asyncio.sleep(world.options.initializing / steps)
            lease.initialize_progress = 100 * (step + 1) // steps
        failing = world.faults.take("init_error", lease.moid)
        if failing:
            self._end(lease, "error", fault_named(failing.fault, failing.message))
            return
        if world.faults.take("init_forever", lease.moid):
            await lease.ended.wait()
            return
        if lease.state != "initializing":
            return
        self._show_devices(lease)
        lease.state = "ready"
        lease.last_progress = time.monotonic()
        world.changed()
        while lease.state == "ready":
            await asyncio.sleep(LOOK)
            if time.monotonic() - lease.last_progress > world.options.lease_timeout:
                self.expire(lease)

    def _end(self, lease: Lease, state: Any, error: Any) -> None:
        lease.state, lease.error = state, error
        for machine in lease.machines:
            machine.lease = None
        lease.ended.set()
        for cut in list(lease.cutters):
            cut()
        if state == "error" and lease.on_error is not None:
            lease.on_error()
        self._world.changed()

    def _over(self, lease: Lease) -> Any:
        """What a call on a lease that is not ready raises."""
        if isinstance(lease.error, vim.fault.Timedout):
            return vim.fault.Timedout(msg="The lease has timed out.")
        return vim.fault.InvalidState(
            msg=f"The operation is not allowed in the current state ({lease.state})."
        )

    def _show_devices(self, lease: Lease) -> None:
        for machine in lease.machines:
            for file in machine.files:
                lease.devices.append(self._device(lease, machine, file))

    def _device(self, lease: Lease, machine: Machine, file: MachineFile) -> LeaseDevice:
        world = self._world
        target_id = machine.target_id(file)
        if len(lease.machines) > 1:
            target_id = f"{machine.name}-{target_id}"
        device_name = machine.device_name(file)
        device = LeaseDevice(
            machine=machine,
            file=file,
            key=f"/{machine.moid}/{device_name}",
            import_key=f"/{machine.name}/{device_name}" if lease.kind == "import" else None,
            target_id=target_id,
            url=self._url(lease, target_id),
            ssl_thumbprint=world.disk_thumbprint,
            ssl_certificate=world.disk_certificate,
            create=lease.kind == "import" and file.kind != "disk",
        )
        changed = world.faults.take("device_url", target_id)
        if changed:
            device.url = changed.params.get("url", device.url)
            device.ssl_thumbprint = changed.params.get("ssl_thumbprint", device.ssl_thumbprint)
        if world.faults.take("http_url", target_id):
            device.url = device.url.replace("https://", "http://")
        renamed = world.faults.take("target_id", target_id)
        if renamed:
            device.target_id = str(renamed.params["value"])
        return device

    def _url(self, lease: Lease, target_id: str) -> str:
        world = self._world
        scheme = "https" if world.options.tls else "http"
        if world.options.esx:
            port = world.disk_host.rpartition(":")[2]
            return f"{scheme}://*:{port}/ha-nfc/{lease.ticket}/{quote(target_id)}"
        return f"{scheme}://{world.disk_host}/nfc/{lease.ticket}/{quote(target_id)}"
