"""``run``: many jobs, as many at once as hosts and vCenters take."""

from __future__ import annotations

import datetime
import os
import queue
import shutil
import tempfile
import time
import uuid

from nfclease._arguments import check_options
from nfclease.fleet import _workers
from nfclease.fleet._dividing import Division
from nfclease.fleet._driving import Driver
from nfclease.fleet._hearing import Mail
from nfclease.fleet._looking import Looks
from nfclease.fleet._place import RunPlace
from nfclease.fleet._planning_again import Again
from nfclease.fleet._records import Records, opened
from nfclease.fleet._retrying import Rules
from nfclease.fleet._signals import Signals
from nfclease.fleet._watching import check_watcher, watching
from nfclease.fleet._working import work, work_async
from nfclease.fleet.copy_job import CopyJob
from nfclease.fleet.errors import FleetError
from nfclease.fleet.executors import Hands
from nfclease.fleet.jobs import ExportJob, ImportJob
from nfclease.fleet.planning import Plan
from nfclease.fleet.summary import Summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from nfclease.fleet._records import JournalOption
    from nfclease.fleet._watching import WatchOption
    from nfclease.fleet.executors import ExecutorOption
    from nfclease.fleet.jobs import Job
    from nfclease.fleet.outcomes import Outcome
    from nfclease.fleet.planning import Planned

__all__ = ["run"]


def run(
    jobs: Iterable[Job],
    *,
    executor: ExecutorOption = None,
    per_host: int = 8,
    per_vcenter: int = 48,
    retries: int = 2,
    retry_delay: float = 30.0,
    blocked_timeout: float = 900.0,
    stop_on_failure: bool = False,
    max_jobs: int | None = None,
    journal: JournalOption = None,
    verify: bool = False,
    progress: WatchOption = None,
    on_result: Callable[[Outcome], object] | None = None,
    at: datetime.datetime | None = None,
    check: bool = True,
    max_bytes_per_second: int | None = None,
) -> Summary:
    """Runs exports, imports and copies, as many at once as each host and vCenter can take.

    It returns when all have ended. The inventory of each session is read first. Then each host has
    a queue, the VM with the most bytes in front, and the next job of a host starts when one of it
    ends. Ctrl-C, SIGTERM and SIGHUP stop a run in order when it is in the main thread: nothing new
    starts, what runs ends in an Abort within 10 seconds, and the signal goes on as it would have.
    The second one does not wait.

    A vCenter that cannot be reached, or refuses the login, fails its own jobs alone: it is asked
    again as often as ``retries`` says where that may pass. All other jobs run meanwhile.

    Args:
        jobs: What to do, no two the same.
        executor: Where the jobs run. None means this process, with a few threads for all of them,
            which is what exports need. Or an executor of ``concurrent.futures``; a callable that
            makes one, which makes another when the first is broken by a worker that died; or a
            ``distributed.Client`` of Dask.
        per_host: Disks that move at once from one host, 1 or more. A VM with more runs alone.
        per_vcenter: The same for one session.
        retries: How often a job is started again whose failure may pass: a lost lease, a host or a
            vCenter that cannot be reached.
        retry_delay: Seconds before that; twice as many before each further time.
        blocked_timeout: Seconds for which a job is tried again that has to wait: a task holds its
            VM, its host is in maintenance. The lease of a worker that was killed is released where
            its task is known for sure; another one ends within 5 minutes on most servers.
        stop_on_failure: Whether nothing new starts once a job has failed for good; what is left is
            then ``cancelled``.
        max_jobs: Jobs that run at once, whatever they cost, 1 or more; None means without a limit.
        journal: A ``Journal``, or the path of one, which is open for the run alone: what it has as
            done, with the same target, is skipped.
        verify: Whether that is believed only when the digests of its files are right.
        progress: True shows the run: bars in a terminal (with rich), a table in a notebook, else
            lines on standard error. Or it is called with every ``Event``, in this thread, and must
            not take long. None shows nothing.
        on_result: Called with every ``Outcome`` when its job has ended, likewise.
        at: When the run began, for ``{date}`` and ``{time}`` of the targets; None means now, in
            local time. A run that goes on after midnight with yesterday's work needs yesterday's.
        check: Whether jobs that failed are an error at the end.
        max_bytes_per_second: Bytes of files that all jobs move in a second, 1024 or more; None
            means without a limit. Threads have it as the limit of the process, as
            ``nfclease.set_max_bytes_per_second`` sets it. Other processes each have a share by
            the jobs in them, renewed as jobs start and end, and 1024 at least. What a process
            had before is its limit again at the end.

    Returns:
        Every outcome, and how long it took.

    Raises:
        FleetError: Jobs failed for good; it is a group with an exception for each, and has the
            summary.
        TypeError: An argument is of the wrong kind.
        ImportError: ``progress`` is True outside of a notebook, and rich is not installed.
        ValueError: A number is out of its range, or two jobs are the same.
        SessionSourceError: A session is not registered.
        JournalInUseError: Another driver has the journal open.
        JournalError: The journal is damaged, of a newer nfclease, or cannot be written any more.
        OSError: The journal cannot be made.
        KeyboardInterrupt: Ctrl-C was pressed, and what ran has ended.
        SystemExit: SIGTERM or SIGHUP came, and the script has no handler for it.

    Examples:
        >>> from nfclease import fleet
        >>> fleet.register_session("lab", simulator.connect)
        >>> job = fleet.ExportJob("lab", "demo-vm", "backup/{vm}.ova")
        >>> summary = fleet.run([job])
        >>> [(each.vm, each.state, each.target) for each in summary.outcomes]
        [('demo-vm', 'done', 'backup/demo-vm.ova')]
    """
    started = time.monotonic()
    rules = Rules(
        per_host, per_vcenter, retries, retry_delay, blocked_timeout, stop_on_failure, max_jobs
    )
    rules.check()
    check_options({"max_bytes_per_second": max_bytes_per_second})
    made, hands = checked(jobs), Hands(executor)
    check_watcher(progress)
    with opened(journal) as kept, watching(progress) as watcher:
        records = Records(kept, verify=verify, progress=watcher, on_result=on_result)
        run_ = _Run(made, hands, rules, records, is_watched=watcher is not None)
        with hands.limited(max_bytes_per_second) as rate:
            run_.drive(at or datetime.datetime.now(), rate)
    summary = Summary(tuple(records.outcomes), time.monotonic() - started)
    if check and summary.failed:
        counted = f"{len(summary.failed)} of {len(summary.outcomes)} jobs failed"
        raise FleetError(counted, summary)
    return summary


class _Run:
    """One run, from its plan to its logouts."""

    def __init__(
        self, jobs: list[Job], hands: Hands, rules: Rules, records: Records, *, is_watched: bool
    ) -> None:
        self._jobs, self._hands, self._rules, self._records = jobs, hands, rules, records
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._signals = Signals(lambda: self._inbox.put(None))
        self._place = RunPlace(
            uuid.uuid4().hex,
            tempfile.mkdtemp(prefix="nfclease-fleet-"),
            os.getpid(),
            is_watched,
        )
        self._driver: Driver | None = None
        self._again: Again | None = None

    def drive(self, at: datetime.datetime, rate: int | None) -> None:
        """Plans and runs all jobs, and leaves nothing open on any way out."""
        is_in_order = False
        try:
            with self._signals.heard():
                try:
                    self._drive(at, rate)
                except BaseException:
                    self._stop()
                    is_in_order = True
                    if self._signals.number:
                        self._signals.raise_again()
                    raise
                is_in_order = True
        finally:
            if self._again is not None:
                self._again.close()
            shutil.rmtree(self._place.directory, ignore_errors=True)
            self._hands.end(self._place)
            # After a second signal nobody waits for a server, nor for its answer to a logout.
            (_workers.forget if is_in_order else _workers.end_here)(self._place)

    def _drive(self, at: datetime.datetime, rate: int | None) -> None:
        _workers.worker_of(self._place).outbox.inbox = self._inbox
        self._hands.hear(self._place, self._inbox)
        with self._signals.away():
            plan = Plan(self._jobs, self._place, at)

        looks = Looks(plan.hosts_of, self._hands.submit_call)
        self._again = Again(plan.again, self._inbox, self._hands.submit_call)

        def look_again(items: list[Planned]) -> None:
            with self._signals.away():
                looks(items)

        def share(text: str) -> Callable[[], bool]:
            return self._hands.share(self._place, text)

        self._driver = Driver(
            plan.items,
            body=work_async if self._hands.is_loop else work,
            hands=self._hands,
            inbox=self._inbox,
            rules=self._rules,
            records=self._records,
            look_again=look_again,
            plan_again=self._again,
            mail=None if self._hands.is_here else Mail(self._place),
            division=Division(rate, share) if rate is not None else None,
            is_stopping=lambda: self._signals.number,
        )
        self._driver.drive()

    def _stop(self) -> None:
        """Tells every worker, and waits for what runs."""
        self._records.stopping()
        _workers.worker_of(self._place).stop()
        _workers.say_stop(self._place)
        self._hands.stop(self._place)
        if self._driver is not None:
            self._driver.stop()


def checked(jobs: Iterable[Job]) -> list[Job]:
    """The jobs, if they are that.

    Raises:
        TypeError: One is something else.
    """
    made = list(jobs)
    for job in made:
        if not isinstance(job, (ExportJob, ImportJob, CopyJob)):
            raise TypeError(f"jobs are ExportJob, ImportJob and CopyJob, not {type(job).__name__}")
    return made
