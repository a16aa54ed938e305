"""vim.HttpNfcLease: its states, its clock, its manifest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.lease.files import Content, LeaseFile
from nfclease.simulator.registry import Call
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import MethodFault, fault, vim
from nfclease.simulator.world import Managed, World

_Lease: Any = vim.HttpNfcLease
_State: Any = _Lease.State
_STEPS = 4  # of initializeProgress


class Lease(Managed):
    """One lease.

    Args:
        world: The world.
        call: The call that asks for it.
        kind: ``export`` or ``import``.
        task: The task that runs as long as the lease is held.
        prepare: Makes the content, when initializing is over.
        destroy: Removes what an import has created.
        keep: Settles what a completed import has brought.
        machines: The VMs that are there already; they are blocked from now on.
    """

    def __init__(
        self,
        world: World,
        call: Call,
        kind: str,
        task: Task,
        prepare: Callable[[], Content],
        destroy: Callable[[Content], None] | None = None,
        keep: Callable[[Content], None] | None = None,
        machines: Sequence[Machine] = (),
    ) -> None:
        owner = call.session.key if call.session else world.uuid()
        super().__init__(world, _Lease, f"session[{owner}]{world.uuid()}")
        self.kind = kind
        self.task = task
        self.ticket: str = world.uuid()
        self.content: Content | None = None
        self.state: Any = _State.initializing
        self.error: Any = None
        self.expired: bool = False
        self.mode: str = "pushOrGet"
        self.percent: int = 0
        self.initialized: int = 0
        self.renewed: float = world.clock()
        #: Ends the running transfers, by whatever registered them.
        self.transfers: set[Callable[[], None]] = set()
        self._prepare, self._destroy, self._keep = prepare, destroy, keep
        self._timer: asyncio.TimerHandle | None = None
        self._held: list[Machine] = []
        self._hold(machines)
        self.props.update(
            initializeProgress=lambda: self.initialized,
            transferProgress=lambda: self.percent,
            mode=lambda: self.mode,
            capabilities=_Lease.Capabilities(pullModeSupported=True, corsSupported=True),
            info=self._info,
            state=lambda: self.state,
            error=lambda: self.error,
        )
        task.on_cancel = lambda: self.end(_State.error, fault("vmodl.fault.RequestCanceled"))
        world.start(self._initialize())

    async def _initialize(self) -> None:
        world = self.world
        facts = {"lease": self.moid, "method": self.task.method}
        if world.faults.take("init_forever", facts) is not None:
            self.initialized = 50
            world.touch()
            return
        for step in range(1, _STEPS + 1):
            await asyncio.sleep(world.options.initializing / _STEPS)
            self.initialized = 100 * step // _STEPS
            world.touch()
        if self.state != _State.initializing:
            return
        try:
            failing = world.faults.take("init_error", facts)
            if failing is not None:
                name = failing.get("fault", "vim.fault.FileFault")
                error = fault(name, failing.get("message"))
                if isinstance(error, vim.fault.TaskInProgress):
                    error.task = self.task.ref
                raise error
            self._become_ready()
        except MethodFault as error:
            self.end(_State.error, error)
        except Exception as error:  # such as a fault injected with a field that it does not have
            reason = f"simulator: {error!r}"
            self.end(_State.error, fault("vmodl.fault.SystemError", reason, reason=reason))

    def _become_ready(self) -> None:
        self.content = self._prepare()
        self._hold(self.content.machines)
        for file in self.content.files:
            file.device_url = _device_url(self, file)
        self.state = _State.ready
        self.renew()
        self.world.touch()

    def _info(self) -> Any:
        if self.state != _State.ready or self.content is None:
            return None
        capacity = sum(file.file.capacity or 0 for file in self.content.files)
        return _Lease.Info(
            lease=self.ref,
            entity=self.content.entity.ref,
            deviceUrl=[file.device_url for file in self.content.files],
            totalDiskCapacityInKB=capacity >> 10,
            leaseTimeout=max(1, int(self.world.options.lease_timeout)),
        )

    def _hold(self, machines: Iterable[Machine]) -> None:
        for machine in machines:
            if machine not in self._held:
                self._held.append(machine)
                machine.blocking.append(self.task)

    def renew(self) -> None:
        """Starts its clock again."""
        self.renewed = self.world.clock()
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.world.options.lease_timeout, self.expire)

    def expire(self) -> None:
        """Ends a held lease as if no Progress had come in time."""
        if self.state in (_State.ready, _State.initializing):
            self.expired = True
            self.end(_State.error, fault("vim.fault.Timedout"))

    def end(self, state: Any, error: Any = None) -> None:
        """Goes to ``done`` or ``error``; cuts transfers and undoes a failed import."""
        if self.state in (_State.done, _State.error):
            return
        self.state, self.error = state, error
        if self._timer is not None:
            self._timer.cancel()
        for machine in self._held:
            machine.blocking.remove(self.task)
        self._held = []
        for cut in list(self.transfers):
            cut()
        if self.content is not None:
            settle = self._keep if error is None else self._destroy
            if settle is not None:
                settle(self.content)
        entity = self.content.entity.ref if self.content else None
        self.task.finish(result=None if error else entity, error=error)
        self.world.touch()

    def refuse_unless(self, *states: Any) -> None:
        """Raises what a call gets that comes too late, or too early."""
        if self.expired:
            raise fault("vim.fault.Timedout")
        if self.state not in states:
            raise fault("vim.fault.InvalidState")

    def file_of(self, name: str) -> LeaseFile | None:
        """The file of a URL's last part, while the lease is ready."""
        if self.state != _State.ready or self.content is None:
            return None
        return next((file for file in self.content.files if file.name == name), None)


def _device_url(lease: Lease, file: LeaseFile) -> Any:
    """The DeviceUrl of a file, with the faults that change it."""
    world = lease.world
    facts = {"lease": lease.moid, "disk": file.known_as}
    folder = f"{world.data_url}/{'ha-nfc' if world.options.esx else 'nfc'}/{lease.ticket}/"
    made = _Lease.DeviceUrl(
        key=file.key,
        importKey=file.import_key,
        url=folder + quote(file.name, safe=""),
        sslThumbprint=world.data_thumbprint,
        disk=file.file.disk,
        targetId=file.name,
        datastoreKey=folder,
    )
    if world.data_certificate and hasattr(made, "sslCertificate"):  # pyvmomi knows it from 9.0 on
        made.sslCertificate = world.data_certificate
    if not file.file.disk and lease.kind == "export":
        made.fileSize = file.file.size
    renamed = world.faults.take("target_id", facts)
    if renamed is not None:
        made.targetId = renamed["value"]
    if world.faults.take("http_url", facts) is not None:
        made.url = made.url.replace("https://", "http://", 1)
    edited = world.faults.take("device_url", facts) or {}
    if "netloc" in edited:
        made.url = urlsplit(made.url)._replace(netloc=edited["netloc"]).geturl()
    for name, value in {**edited, **edited.get("fields", {})}.items():
        if name not in ("fields", "netloc"):
            first, *rest = name.split("_")
            setattr(made, first + "".join(map(str.capitalize, rest)), value)
    return made
