"""All that is told of a run: to the journal, to a listener, and to the summary."""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import nullcontext

from nfclease._log import logger
from nfclease._text import reason_of
from nfclease.fleet._journal_rows import LEASES
from nfclease.fleet.events import Event
from nfclease.fleet.journal import Journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any, TypeAlias

    from nfclease.fleet.failures import Failure
    from nfclease.fleet.outcomes import Outcome
    from nfclease.fleet.planning import Planned

    #: A journal, or where one is.
    JournalOption: TypeAlias = Journal | str | os.PathLike[str] | None


def opened(journal: JournalOption) -> AbstractContextManager[Journal | None]:
    """The journal for a ``with`` block, at whose end one that was opened here is closed.

    Raises:
        TypeError: It is something else.
    """
    if journal is None or isinstance(journal, Journal):
        return nullcontext(journal)
    if isinstance(journal, (str, os.PathLike)):
        return Journal(journal)
    raise TypeError(f"journal must be a Journal or a path, not {type(journal).__name__}")


class Records:
    """Whom a run tells what.

    Args:
        journal: Told of every start and end; None without one.
        verify: Whether digests are compared of what an earlier run has done.
        progress: Gets every event; None without a listener.
        on_result: Gets every outcome; None likewise.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        verify: bool = False,
        progress: Callable[[Event], object] | None = None,
        on_result: Callable[[Outcome], object] | None = None,
    ) -> None:
        self._journal, self._verify = journal, verify
        self._progress, self._on_result = progress, on_result
        self._reasons: dict[str, str] = {}
        self._is_stopping = False
        self.outcomes: list[Outcome] = []

    def planned(self, item: Planned) -> Outcome | None:
        """Its outcome where it is not to run: it cannot, or an earlier run has done it.

        Told once more of a job whose vCenter was away at first.
        """
        self._tell("planned", item)
        job, assignment = item.job, item.assignment
        before = self._journal.done(item.key, verify=self._verify) if self._journal else None
        if before is not None and before.target == assignment.target:
            return assignment.outcome(state="skipped", files=before.files)
        if self._journal is not None:
            item.leases = self._journal.leases(item.key)
            self._journal.plan(
                item.key,
                kind=job.kind,
                vm=job.subject,
                host=item.host_name,
                disks=item.disks,
                bytes=item.bytes,
                settings=json.dumps(job.settings(), sort_keys=True),
            )
        if item.failure is None or item.is_unread:
            return None
        return assignment.outcome(state="failed", failure=item.failure)

    def held(self, waiting: Iterator[tuple[Any, str]]) -> None:
        """The first of each queue, and what it waits for; told when that changes."""
        if self._progress is None:
            return
        reasons = {}
        for item, reason in waiting:
            reasons[item.key] = reason
            if self._reasons.get(item.key) != reason:
                self._tell("waiting", item, reason=reason)
        self._reasons = reasons

    def started(self, item: Planned) -> None:
        """An attempt begins."""
        if self._journal is not None:
            self._journal.start(
                item.key,
                attempt=item.attempts,
                target=item.assignment.target,
                worker=f"{platform.node()}:{os.getpid()}",
            )
        self._tell("started", item)

    def told(self, item: Planned, kind: str, value: int | str) -> None:
        """What the worker of a running attempt tells; see ``Worker.tell``."""
        if kind == "moved":
            self._tell("moved", item, bytes=value)
        elif kind in ("lease", "other_lease") and value not in item.leases:
            item.leases = (*item.leases, str(value))[-LEASES:]
            if self._journal is not None:
                self._journal.note_lease(item.key, str(value))

    def delayed(self, item: Planned, failure: Failure, seconds: float) -> None:
        """An attempt failed, and another one follows."""
        reason = f"{failure.reason}; tried again in {seconds:.0f} s"
        self._tell("waiting", item, reason=reason)

    def ended(self, item: Planned, outcome: Outcome) -> None:
        """A job has its outcome.

        The journal has what an earlier run did, and needs nothing of a job that never began.
        """
        self.outcomes.append(outcome)
        if self._journal is not None and (outcome.attempts > 0 or outcome.state == "failed"):
            self._call(self._journal.end, outcome)
        reason = outcome.failure.reason if outcome.failure is not None else ""
        self._tell("ended", item, bytes=outcome.bytes, reason=reason, outcome=outcome)
        if self._on_result is not None:
            self._call(self._on_result, outcome)

    def stopping(self) -> None:
        """The run stops before its end, perhaps because of a listener or the journal."""
        self._is_stopping = True
        if self._progress is not None:
            self._call(self._progress, Event("stopping", time.time()))

    def _call(self, call: Callable[[Any], object], value: Any) -> None:
        """Calls it. Once the run stops its errors are logged, so that the other jobs still end."""
        try:
            call(value)
        except Exception as error:
            if not self._is_stopping:
                raise
            logger().warning("the end of a run is not noted: %s", reason_of(error))

    def _tell(self, kind: Any, item: Planned, **more: Any) -> None:
        if self._progress is not None:
            event = Event(
                kind,
                time.time(),
                key=item.key,
                vm=item.job.subject,
                host=item.host_name,
                vcenter=item.vcenter,
                disks=item.disks,
                total=item.bytes,
                **more,
            )
            self._call(self._progress, event)
