"""What a process knows of a run whose jobs it carries out: sessions, and whether to stop."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from contextlib import contextmanager

from nfclease._threads import start_or_call, start_thread
from nfclease.fleet._logins import Logins
from nfclease.fleet._own_leases import LeaseReader
from nfclease.fleet._share import Share
from nfclease.fleet._telling import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nfclease.fleet._place import RunPlace

#: Seconds between two looks at the driver's directory.
_LOOK = 0.25
#: Seconds after which a worker that has nothing to do logs out.
_IDLE = 60.0
#: Seconds for the Aborts of a process; a lease that is opened meanwhile gets its own.
ABORT_TIMEOUT = 10.0
_STOP = "stop"


class Worker:
    """One run, as seen from one process."""

    def __init__(self, place: RunPlace) -> None:
        self.place = place
        self.logins = Logins()
        self.stopping = threading.Event()
        self.outbox = Outbox(place)
        self.share = Share(place)
        self.leases = LeaseReader(self.tell)
        self._lock = threading.Lock()
        self._busy = 0
        self._idle_since = time.monotonic()
        self._watch: threading.Thread | None = None

    @contextmanager
    def busy(self, key: str, attempt: int, share: int | None = None) -> Iterator[None]:
        """While a job runs in this process.

        Raises:
            OSError: The system has no thread left to watch over it.
        """
        self.outbox.begin(key, attempt)
        if share is not None:
            self.share.begin(key, share)
            self.tell("process", key, self.share.name)
        with self._lock:
            self._busy += 1
        try:
            with self._lock:
                self._start_watch()
            yield
        finally:
            self.outbox.end(key)
            self.share.end(key)
            with self._lock:
                self._busy -= 1
                self._idle_since = time.monotonic()

    def tell(self, kind: str, key: str, value: int | str) -> None:
        """Tells the driver, wherever it is; does not wait for anything, and raises nothing.

        Args:
            kind: ``moved``, bytes so far of the attempt that runs; ``lease``, its lease's task on
                the server, a `LeaseNote` as text; ``other_lease``, that of a second lease;
                ``process``, the name of this process.
            key: The job's.
            value: An int for ``moved``, 0 or more; a str for the others.
        """
        self.outbox.tell(kind, key, value)

    def is_stopping(self) -> bool:
        """Whether no job is to begin."""
        return self.stopping.is_set() or os.path.exists(os.path.join(self.place.directory, _STOP))

    def stop(self) -> None:
        """Ends every job here in an Abort, and begins no other one; does not wait for that."""
        if not self.stopping.is_set():
            self.stopping.set()
            start_or_call(self._abort, "nfclease-fleet-stop")

    def _abort(self) -> None:
        """Aborts until nothing runs any more: a job may be just about to open its lease."""
        until = time.monotonic() + 3 * ABORT_TIMEOUT
        while self._busy and time.monotonic() < until:
            self.logins.cancel_leases("the run of the fleet stops", ABORT_TIMEOUT)
            time.sleep(0.05)

    def _start_watch(self) -> None:
        if self.place.pid != os.getpid() and self._watch is None:
            self._watch = start_thread(self._follow, "nfclease-fleet-watch")
            _at_exit(self.place)

    def _follow(self) -> None:
        """Sends messages, stops with the driver, logs out when it has ended or nothing is to do."""
        directory = self.place.directory
        is_here = os.path.isdir(directory)  # else the driver is on another machine
        while True:
            self.outbox.is_urgent.wait(_LOOK)
            self.outbox.post()
            self.share.look()
            if is_here and (
                os.path.exists(os.path.join(directory, _STOP)) or not _lives(self.place.pid)
            ):
                self.stop()
            with self._lock:
                idle = time.monotonic() - self._idle_since if not self._busy else 0.0
                ended = is_here and not os.path.isdir(directory)
                if self._busy or not (ended or idle > _IDLE):
                    continue
                self._watch = None  # the next job starts another
            self.share.leave()
            self.logins.close()
            return


def say_stop(place: RunPlace) -> None:
    """Tells the worker processes of the driver's machine."""
    with open(os.path.join(place.directory, _STOP), "wb"):
        pass


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's by now, or so it seems
        pass
    return True


def _at_exit(place: RunPlace) -> None:
    """Logs out when a worker process exits in order; one of multiprocessing has an exit of its own.

    A run that has ended may shut its executor down before anybody looks for that.
    """
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, forget, (place,), exitpriority=10)
    else:
        atexit.register(forget, place)


_workers: dict[tuple[int, str], Worker] = {}
_lock = threading.Lock()


def worker_of(place: RunPlace) -> Worker:
    """That of this process, which a fork does not share with its parent."""
    with _lock:
        key = os.getpid(), place.name
        if key not in _workers:
            _workers[key] = Worker(place)
        return _workers[key]


def forget(place: RunPlace) -> None:
    """Logs out what a run has open in this process."""
    with _lock:
        worker = _workers.pop((os.getpid(), place.name), None)
    if worker is not None:
        worker.share.leave()
        worker.logins.close()


def stop_here(place: RunPlace) -> None:
    """For an executor that reaches a busy worker: stops what the run does in this process."""
    worker_of(place).stop()


def hear_here(place: RunPlace, text: str) -> None:
    """Likewise, for the shares of the processes."""
    worker_of(place).share.hear(text)


def end_here(place: RunPlace) -> None:
    """Likewise, when the run has ended: logs out, without a wait for the server."""
    start_or_call(lambda: forget(place), "nfclease-fleet-end")
