"""What an export is of, and the snapshot that is taken for it and removed on every way out."""

from __future__ import annotations

import threading
import time
from functools import partial

from pyVmomi import vim, vmodl

from nfclease._backends.blocking import run
from nfclease._log import extra, logger
from nfclease._notes import add_note
from nfclease._operations.ready import ready_info
from nfclease._text import escaped, reason_of
from nfclease.appliance._face import BlockingFace, made, task_result
from nfclease.appliance._unanswered import opened_once
from nfclease.exceptions import LeaseInitError
from nfclease.inventory._reading import power_state
from nfclease.inventory.blocked import blocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from nfclease._lease_core import LeaseCore
    from nfclease.appliance._face import Face

#: Seconds that a VM which is still held by an ending lease is asked again.
_HELD = 60.0
#: Seconds between two of these.
_AGAIN = 0.5


class Subject:
    """A VM, a vApp or a snapshot; ``async with`` takes a snapshot where one is wanted.

    Raises:
        TypeError: It is something else.
        ValueError: The snapshot does not go with it.
    """

    def __init__(self, face: Face, entity: Any, snapshot: Any) -> None:
        self._face = face
        self._takes = snapshot is True
        #: What did not go as it should.
        self.notes: list[str] = []
        self._removal: _Removal | None = None
        wanted = (vim.VirtualMachine, vim.VirtualApp, vim.vm.Snapshot)
        if not isinstance(entity, wanted):
            raise TypeError(
                "entity must be a vim.VirtualMachine, a vim.VirtualApp or a vim.vm.Snapshot, "
                f"not {type(entity).__name__}"
            )
        if not isinstance(snapshot, (bool, type(None), vim.vm.Snapshot)):
            raise TypeError(
                f"snapshot must be None, True or a vim.vm.Snapshot, not {type(snapshot).__name__}"
            )
        if snapshot and not isinstance(entity, vim.VirtualMachine):
            kind = "a vApp" if isinstance(entity, vim.VirtualApp) else "a snapshot"
            raise ValueError(f"snapshot goes with a VM, and entity is {kind}")
        self.entity = entity
        #: The snapshot that is exported; None for a VM or vApp as it is.
        self.snapshot: Any = snapshot or None if not self._takes else None
        if isinstance(entity, vim.vm.Snapshot):
            self.snapshot = entity

    async def vm(self) -> Any:
        """What the descriptor is of: the VM or the vApp; calls where it is a snapshot's.

        Raises:
            ValueError: The snapshot is one of another VM.
        """
        if self.snapshot is None:
            return self.entity
        of = await self._face.call(lambda: self.snapshot.vm)
        if isinstance(self.entity, vim.VirtualMachine) and of != self.entity:
            raise ValueError(f"the snapshot {self.snapshot._moId} is not one of this VM")
        return of

    def vm_moid(self) -> str:
        """The moId of the VM or vApp without a call; empty for a snapshot by itself."""
        return "" if self.snapshot is self.entity else str(self.entity._moId)

    def open(self) -> Any:
        """The lease; calls."""
        try:
            if self.snapshot is not None:
                return opened_once("ExportSnapshot", self.snapshot)
            if isinstance(self.entity, vim.VirtualApp):
                return opened_once("ExportVApp", self.entity)
            return opened_once("ExportVm", self.entity)
        except vim.fault.InvalidPowerState as fault:
            add_note(fault, "switch the VM off, or pass snapshot=True to export it as it runs")
            raise
        except vim.fault.TaskInProgress as fault:
            raise blocked(self.entity, fault) from fault

    async def ready(self, lease: LeaseCore) -> Any:
        """``HttpNfcLease.info`` of its lease, once that is ready.

        Raises:
            LeaseInitError: It never is; where a task holds the VM, the message says which.
        """
        try:
            return await ready_info(lease, self._face.backend)
        except LeaseInitError as error:
            await self._face.call(partial(self._explain, error))
            raise

    def _explain(self, error: LeaseInitError) -> None:
        if isinstance(error.fault, vim.fault.TaskInProgress):
            text = blocked(self.entity, error.fault)
            error.args = (f"the lease did not become ready (TaskInProgress): {text}",)

    async def __aenter__(self) -> Subject:
        if self._takes:
            taken, note = await made(self._face, self._take, self._undo)
            self.snapshot = taken
            self._removal = _Removal(taken, self.entity)
            self._note(note)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        cause: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._removal is None:
            return
        if cause is not None:
            await self._face.cleanup(self._removal.run, cause)
            return
        try:
            self._note(await self._face.in_thread(self._removal.run))
        except BaseException as error:
            await self._face.cleanup(self._removal.run, error)
            raise

    def _take(self) -> tuple[Any, str]:
        try:
            return take(self.entity)
        except vim.fault.TaskInProgress as fault:
            raise blocked(self.entity, fault) from fault

    def _undo(self, taken: tuple[Any, str], cause: BaseException | None) -> None:
        _Removal(taken[0], self.entity).run()

    def _note(self, text: str) -> None:
        if text:
            self.notes.append(text)


def take(vm: Any) -> tuple[Any, str]:
    """A snapshot without memory, quiesced where the guest can, and what is to say about that."""
    tools = getattr(vm.guest, "toolsRunningStatus", None)
    is_on = power_state(vm) == vim.VirtualMachine.PowerState.poweredOn
    if is_on and tools == "guestToolsRunning":
        try:
            return _taken(vm, quiesce=True), ""
        except (vim.fault.SnapshotFault, vim.fault.InvalidState, vmodl.fault.SystemError) as fault:
            if isinstance(fault, vim.fault.TaskInProgress):
                raise
            why = f"the guest did not quiesce ({escaped(reason_of(fault))})"
    elif is_on:
        why = "VMware Tools do not run in the guest"
    else:
        return _taken(vm, quiesce=False), ""
    snapshot = _taken(vm, quiesce=False)
    note = f"the snapshot is as after a power failure: {why}"
    logger().warning("%s: %s", vm._moId, note, extra=extra(vm=vm._moId))
    return snapshot, note


def _taken(vm: Any, *, quiesce: bool) -> Any:
    task = vm.CreateSnapshot_Task(
        name=time.strftime("nfclease export %Y-%m-%d %H:%M:%S"),
        description="Taken for an export, and removed at its end.",
        memory=False,
        quiesce=quiesce,
    )
    return run(task_result(BlockingFace(), task))


class _Removal:
    """The removal of a snapshot, once, whoever asks for it."""

    def __init__(self, snapshot: Any, vm: Any) -> None:
        self._snapshot, self._vm = snapshot, vm
        self._lock = threading.Lock()
        self._note: str | None = None

    def run(self) -> str:
        """Removes it, and says why it could not; empty when it could."""
        with self._lock:
            if self._note is None:
                self._note = _removed(self._snapshot, self._vm)
            return self._note


def _removed(snapshot: Any, vm: Any) -> str:
    until = time.monotonic() + _HELD
    while True:
        try:
            task = snapshot.RemoveSnapshot_Task(removeChildren=False)
            run(task_result(BlockingFace(), task))
        except vmodl.fault.ManagedObjectNotFound:
            return ""
        except vim.fault.TaskInProgress as fault:
            if time.monotonic() < until:
                time.sleep(_AGAIN)
                continue
            return _left(snapshot, vm, fault)
        except Exception as error:  # of the session, or of the server: the export has its own end
            return _left(snapshot, vm, error)
        return ""


def _left(snapshot: Any, vm: Any, error: Exception) -> str:
    why = escaped(reason_of(error))
    text = f"the snapshot {snapshot._moId} could not be removed ({why}); remove it"
    logger().error("%s: %s", vm._moId, text, extra=extra(vm=vm._moId))
    return text
