"""Which task of the server each lease of a worker has, read beside the transfers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

from nfclease import _open_leases
from nfclease._log import logger
from nfclease._text import reason_of
from nfclease._threads import start_thread
from nfclease.fleet._lease_notes import LeaseNote
from nfclease.inventory._own_tasks import own_lease_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from nfclease._lease_core import LeaseCore

#: Seconds between two looks at the leases of this process, and from the start of a job to the first
#: at its own: a job that ends before costs no call.
_LOOK = 0.5
#: Seconds after each try that did not tell which task it is; after the last one it is given up.
_PAUSES = (2.0, 10.0, 60.0)


class _Wanted:
    """The leases of an attempt that runs.

    Args:
        services: Its sessions, by name.
        count: How many leases it opens.
    """

    def __init__(self, services: Mapping[str, Any], count: int) -> None:
        self.services, self.count = services, count
        self.asked = time.monotonic()
        self.due = self.asked + _LOOK
        self.tries = 0
        #: Those that were told, by their moIds.
        self.told: set[str] = set()

    def untold(self) -> list[LeaseCore]:
        """Its leases that are ready, and the only ones of their VMs in this process; no call."""
        leases = [each for each in _open_leases.opened_for(self) if each.moid not in self.told]
        return [lease for lease in leases if self.is_alone(lease)]

    def is_alone(self, lease: LeaseCore) -> bool:
        """Whether this process holds this one lease of its VM, which is ready; no call."""
        vm = lease.native.vm() if lease.native.is_held() else ""
        return bool(vm) and _open_leases.vms_of_session(lease.stub).count(vm) == 1

    def note(self, lease: LeaseCore) -> LeaseNote | None:
        """That of the lease's task; None if that is not sure. Calls."""
        name, service = self._session(lease)
        info: Any = lease.plain.info
        entity = info.entity
        fitting = own_lease_tasks(entity, service, self.asked)
        is_sure = len(fitting) == 1 and self.is_alone(lease)
        return LeaseNote.of(fitting[0], name, entity) if is_sure else None

    def _session(self, lease: LeaseCore) -> tuple[str, Any]:
        """The one that opened it, with its name."""
        sessions = self.services.items()
        return next(each for each in sessions if _open_leases.is_of_session(lease, each[1]._stub))


class LeaseReader:
    """Reads, in one thread for all jobs of a process, the tasks of its leases.

    Args:
        tell: Gets ``lease``, of a second one ``other_lease``, the job's key, and a `LeaseNote` as
            text.
    """

    def __init__(self, tell: Callable[[str, str, str], object]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._wanted: dict[str, _Wanted] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def reading(self, key: str, services: Mapping[str, Any], count: int = 1) -> Iterator[None]:
        """While a job runs, which opens its leases in this context; waits for nothing.

        Args:
            key: The job's.
            services: Its sessions, by name.
            count: How many leases it opens.
        """
        wanted = _Wanted(services, count)
        with self._lock:
            self._wanted[key] = wanted
            if self._thread is None:
                try:
                    self._thread = start_thread(self._run, "nfclease-fleet-leases")
                except OSError as error:  # the next job tries it again, for this one too
                    logger().warning("the tasks of leases are not read: %s", reason_of(error))
        before = _open_leases.opener.set(wanted)
        try:
            yield
        finally:
            _open_leases.opener.reset(before)
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
                if (leases := each.untold()) and self._is_over(key, each, leases):
                    self._leave(key, each)

    def _leave(self, key: str, wanted: _Wanted) -> None:
        with self._lock:
            if self._wanted.get(key) is wanted:  # and not that of the next attempt
                del self._wanted[key]

    def _is_over(self, key: str, wanted: _Wanted, leases: list[LeaseCore]) -> bool:
        """Whether the tasks of all its leases were told, or were given up."""
        for lease in leases:
            try:
                note = wanted.note(lease)
            except Exception as error:  # the job itself tells what is wrong with the server
                logger().debug("the task of a lease of %s is not known: %s", key, reason_of(error))
                note = None
            if note is not None:
                self._tell("other_lease" if wanted.told else "lease", key, note.to_text())
                wanted.told.add(lease.moid)
        if len(wanted.told) == wanted.count:
            return True
        if all(lease.moid in wanted.told for lease in leases):
            return False
        if wanted.tries == len(_PAUSES):
            return True
        wanted.due = time.monotonic() + _PAUSES[wanted.tries]
        wanted.tries += 1
        return False
