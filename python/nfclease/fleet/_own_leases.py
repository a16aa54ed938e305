"""Which task of the server each lease of a worker has, read beside the transfers."""

from __future__ import annotations

import datetime
import threading
import time
from contextlib import contextmanager

from pyVmomi import vim

from nfclease import _open_leases
from nfclease._log import logger
from nfclease._text import escaped, reason_of
from nfclease.fleet._lease_notes import LeaseNote
from nfclease.inventory import blocking_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from nfclease.inventory import BlockingTask

#: Seconds between two looks at the leases of this process, and from the start of a job to the first
#: at its own: a job that ends before costs no call.
_LOOK = 0.5
#: Seconds after each try that did not tell which task it is; after the last one it is given up.
_PAUSES = (2.0, 10.0, 60.0)


class _Wanted:
    """The lease of a job that runs."""

    def __init__(self, session: str, service: Any, vm: str, name: str) -> None:
        self.session, self.service, self.vm, self.name = session, service, vm, name
        self._names: dict[str, str] = {}
        self.asked = time.monotonic()
        self.due = self.asked + _LOOK
        self.tries = 0

    def is_held(self) -> bool:
        """Whether this process holds one lease of the VM, which is ready; calls of an import."""
        held = _open_leases.vms_of_session(self.service._stub)
        if not self.vm:
            named = [vm for vm in held if self._name(vm) == self.name]
            self.vm = named[0] if len(named) == 1 else ""
        return held.count(self.vm) == 1

    def _name(self, vm: str) -> str:
        """That of a VM, read once; empty for a vApp, whose import cannot be recognised later."""
        if vm not in self._names:
            try:
                self._names[vm] = str(vim.VirtualMachine(vm, self.service._stub).name)
            except Exception as error:
                logger().debug("the name of %s is not known: %s", escaped(vm), reason_of(error))
                self._names[vm] = ""
        return self._names[vm]

    def task(self) -> BlockingTask | None:
        """The task of this lease; None if that is not sure. Calls."""
        before = self.service.CurrentTime() - datetime.timedelta(
            seconds=time.monotonic() - self.asked
        )
        user = self.service.content.sessionManager.currentSession.userName
        fitting = [
            each
            for each in blocking_tasks(vim.VirtualMachine(self.vm, self.service._stub))
            if each.is_lease
            and each.state == "running"
            and each.user == user
            and each.started is not None
            and each.started >= before
        ]
        return fitting[0] if len(fitting) == 1 else None


class LeaseReader:
    """Reads, in one thread for all jobs of a process, the tasks of its leases.

    Args:
        tell: Gets the job's key, and a `LeaseNote` as text.
    """

    def __init__(self, tell: Callable[[str, str], object]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._wanted: dict[str, _Wanted] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def reading(
        self, key: str, session: str, service: Any, vm: str = "", name: str = ""
    ) -> Iterator[None]:
        """While a job runs; waits for nothing.

        Args:
            key: The job's.
            session: The name of its session.
            service: That session.
            vm: The moId of the VM that it exports.
            name: What the VM is called that it makes.
        """
        wanted = _Wanted(session, service, vm, name)
        with self._lock:
            self._wanted[key] = wanted
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="nfclease-fleet-leases", daemon=True
                )
                self._thread.start()
        try:
            yield
        finally:
            self._leave(key, wanted)

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK)
            with self._lock:
                if not self._wanted:
                    self._thread = None  # the next job starts another
                    return
                now = time.monotonic()
                due = [(key, each) for key, each in self._wanted.items() if each.due <= now]
            for key, each in due:
                if each.is_held() and self._is_over(key, each):
                    self._leave(key, each)

    def _leave(self, key: str, wanted: _Wanted) -> None:
        with self._lock:
            if self._wanted.get(key) is wanted:  # and not that of the next attempt
                del self._wanted[key]

    def _is_over(self, key: str, wanted: _Wanted) -> bool:
        """Whether the task was told, or was given up."""
        try:
            task = wanted.task()
        except Exception as error:  # the job itself tells what is wrong with the server
            logger().debug("the task of a lease of %s is not known: %s", key, reason_of(error))
            task = None
        if task is not None and wanted.is_held():
            self._tell(key, LeaseNote.of(task, wanted.session, wanted.vm).to_text())
            return True
        if wanted.tries == len(_PAUSES):
            return True
        wanted.due = time.monotonic() + _PAUSES[wanted.tries]
        wanted.tries += 1
        return False
