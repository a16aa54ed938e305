"""The driver of a run: starts what the window lets start, and sees every job to its end."""

from __future__ import annotations

import heapq
import time
from concurrent.futures import CancelledError
from dataclasses import replace
from queue import Empty

from nfclease._log import logger
from nfclease._text import reason_of
from nfclease.fleet._planning_again import ReadAgain
from nfclease.fleet._retrying import Retries
from nfclease.fleet._telling import Told
from nfclease.fleet._workers import ABORT_TIMEOUT
from nfclease.fleet.failures import Failure, judge
from nfclease.fleet.window import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from concurrent.futures import Future
    from queue import SimpleQueue
    from typing import Any, Protocol

    from nfclease.fleet._dividing import Division
    from nfclease.fleet._hearing import Mail
    from nfclease.fleet._in_line import Planned
    from nfclease.fleet._planning_again import Again
    from nfclease.fleet._records import Records
    from nfclease.fleet._retrying import Rules
    from nfclease.fleet.outcomes import Outcome

    class Running(Protocol):
        """Where the jobs run."""

        def submit(self, call: Callable[[Any], Any], argument: Any) -> Future[Any]: ...
        def look(self) -> None: ...
        def drop(self, future: Future[Any]) -> None: ...


#: Seconds after which the driver looks at signals that did not wake it.
_LOOK = 0.5
#: The same, while the rate of a run is about to be divided anew.
_SHORT = 0.1
#: Seconds for which the hosts that were read are taken for true.
_FRESH = 1.0


class Interrupted(Exception):  # noqa: N818 - it is on its way out of the driver alone
    """A signal has arrived."""


class Driver:
    """Drives jobs that are planned to their outcomes, all in one thread.

    Args:
        items: The jobs.
        body: What a worker does with an assignment.
        hands: Where that runs.
        inbox: What wakes the driver: attempts that ended, what workers tell, None.
        rules: What ``run`` was told.
        records: Told of all that happens.
        look_again: Reads the hosts of jobs that are about to start.
        plan_again: Asks vCenters that were away at first; None where none was.
        mail: What workers of other processes leave for the driver; None without such.
        division: Of the bytes per second among processes; None where that is not needed.
        is_stopping: Whether a signal has arrived.
    """

    def __init__(
        self,
        items: Iterable[Planned],
        *,
        body: Callable[[Any], Outcome | Awaitable[Outcome]],
        hands: Running,
        inbox: SimpleQueue[Any],
        rules: Rules,
        records: Records,
        look_again: Callable[[list[Planned]], None],
        plan_again: Again | None = None,
        mail: Mail | None = None,
        division: Division | None = None,
        is_stopping: Callable[[], object] = lambda: False,
    ) -> None:
        self._body, self._hands, self._inbox = body, hands, inbox
        self._records, self._look_again, self._is_stopping = records, look_again, is_stopping
        self._mail, self._division, self._plan_again = mail, division, plan_again
        self._window = Window(rules.per_host, rules.per_vcenter, rules.max_jobs)
        self._retries = Retries(rules)
        self._stops_on_failure = rules.stop_on_failure
        self._open = {item.key: item for item in items}
        self._running: dict[str, tuple[Planned, Future[Any]]] = {}
        self._delayed: list[tuple[float, int, Planned]] = []
        self._begun: dict[str, float] = {}
        self._taken_since_look = 0
        self._holds = False

    def drive(self) -> None:
        """Runs all jobs to their ends.

        Raises:
            Interrupted: A signal has arrived.
            Exception: What the journal or a listener raised.
        """
        for item in list(self._open.values()):
            self._admit(item)
        while self._open:
            if self._is_stopping():
                raise Interrupted
            self._start_more()
            if self._division is not None:
                self._division.renew()
            if self._open:
                self._listen(self._pause())
                self._hands.look()
                if self._plan_again is not None:
                    self._plan_again.look()

    def _admit(self, item: Planned) -> None:
        """Puts a job in line; ends one that is not to run; has its vCenter asked again."""
        outcome = self._records.planned(item)
        if outcome is not None:
            self._finish(item, outcome)
        elif item.is_unread:
            self._unread(item)
        else:
            self._window.add(item, item.to_vcenter)

    def _unread(self, item: Planned) -> None:
        """Its vCenter is away, which is as much as an attempt that failed."""
        self._judged(item, item.assignment.outcome(state="failed", failure=item.failure))

    def _admit_again(self, told: ReadAgain) -> None:
        """Takes in what a vCenter said that was away, or that it is away still."""
        for item, planned in zip(told.items, told.planned, strict=True):
            if self._holds or item.key not in self._open:
                continue  # it is cancelled, or was
            item.learn(planned)
            (self._unread if item.is_unread else self._admit)(item)

    def stop(self, seconds: float = ABORT_TIMEOUT) -> None:
        """Waits for what runs, which was told to stop, and calls the rest cancelled."""
        self._holds = True
        for _, future in list(self._running.values()):
            self._hands.drop(future)
        until = time.monotonic() + seconds
        while self._running and (left := until - time.monotonic()) > 0:
            self._listen(min(left, _LOOK))
        for key in self._running:
            logger().warning("%s did not end within %g s", key, seconds)
        self._cancel_rest()

    def _start_more(self) -> None:
        unread = []
        while self._delayed and self._delayed[0][0] <= time.monotonic():
            item = heapq.heappop(self._delayed)[2]
            if item.is_unread:
                unread.append(item)
            else:
                self._window.add(item, item.to_vcenter)
        if unread and self._plan_again is not None and not self._holds:
            self._plan_again(unread)
        if self._holds:
            if not self._running:
                self._cancel_rest()
            return
        while batch := self._taken():
            divided = self._division.start([each.key for each in batch]) if self._division else {}
            for item in batch:
                self._start(item, divided.get(item.key))
        self._records.held(self._window.held())

    def _taken(self) -> list[Planned]:
        """What starts now, each counted at the host where its VM is."""
        batch: list[Any] = []
        while (item := self._window.take()) is not None:
            batch.append(item)
        self._taken_since_look += len(batch)
        oldest = time.monotonic() - _FRESH
        if any(item.host_read_at < oldest for item in batch):
            self._look(batch)
        moved = [item for item in batch if item.host != self._window.host_of(item)]
        for item in moved:
            logger().info("%s is on host %s by now", item.key, item.host_name)
            self._window.end(item)
            self._window.add(item, item.to_vcenter)
        rest = [item for item in batch if item not in moved]
        return rest or (self._taken() if moved else [])

    def _look(self, batch: list[Any]) -> None:
        """Reads the hosts of these, and of as many that follow as started since the last look.

        So a run that starts many in a second asks once a second, and not for each.
        """
        asked = [*batch, *self._window.following(self._taken_since_look)]
        self._taken_since_look = 0
        now = time.monotonic()
        for item in asked:
            item.host_read_at = now
        try:
            self._look_again(asked)
        except Exception as error:  # the jobs themselves say what is wrong
            logger().warning("the hosts of VMs cannot be read: %s", reason_of(error))

    def _start(self, item: Planned, share: int | None) -> None:
        item.attempts += 1
        self._begun.setdefault(item.key, time.monotonic())
        self._records.started(item)
        try:
            future = self._hands.submit(self._body, item.assigned(share))
        except Exception as error:
            self._attempted(item, item.assignment.outcome(state="failed", failure=judge(error)))
            return
        self._running[item.key] = item, future
        future.add_done_callback(lambda ended: self._inbox.put((item, ended)))

    def _pause(self) -> float:
        """Seconds until there is something to do without a message."""
        longest = _SHORT if self._division and self._division.is_unsettled else _LOOK
        if not self._delayed:
            return longest
        return max(0.0, min(longest, self._delayed[0][0] - time.monotonic()))

    def _listen(self, seconds: float) -> None:
        """Waits for a message, and takes all that are there."""
        try:
            message = self._inbox.get(timeout=seconds)
            while True:
                if isinstance(message, Told):
                    self._hear(message)
                elif isinstance(message, ReadAgain):
                    self._admit_again(message)
                elif message is not None:
                    self._take_in(*message)
                message = self._inbox.get_nowait()
        except Empty:
            pass
        if self._mail is not None:
            attempts = {key: item.attempts for key, (item, _) in self._running.items()}
            for told in self._mail.collect(attempts):
                self._hear(told)

    def _hear(self, told: Told) -> None:
        """Takes a message in, unless it is of an attempt that does not run any more."""
        item, _ = self._running.get(told.key, (None, None))
        if item is None or item.attempts != told.attempt:
            return
        if told.kind == "process" and self._division is not None:
            self._division.began(told.key, str(told.value))
        else:
            self._records.told(item, told.kind, told.value)

    def _take_in(self, item: Planned, what: Future[Any]) -> None:
        if item.key not in self._running:
            return
        is_dead = False
        try:
            outcome = what.result(timeout=0)
        except CancelledError:
            outcome = item.assignment.outcome(state="cancelled")
        except BaseException as error:  # of the executor: the body itself raises nothing
            is_dead = True
            for told in self._mail.of(item.key, item.attempts) if self._mail is not None else ():
                self._hear(told)  # the last of a worker that died
            outcome = item.assignment.outcome(state="failed", failure=judge(error))
        del self._running[item.key]
        self._attempted(item, outcome, is_dead=is_dead)

    def _attempted(self, item: Planned, outcome: Outcome, *, is_dead: bool = False) -> None:
        """Decides what the end of an attempt leads to."""
        self._window.end(item)
        if self._division is not None:
            self._division.end(item.key)
        if outcome.state == "cancelled" and not self._holds:
            failure = Failure("again", "the worker was interrupted", "KeyboardInterrupt")
            outcome = replace(outcome, state="failed", failure=failure)
        self._judged(item, outcome, is_dead=is_dead)

    def _judged(self, item: Planned, outcome: Outcome, *, is_dead: bool = False) -> None:
        """Has a job that failed tried again, or ends it."""
        if outcome.state == "failed" and outcome.failure is not None:
            delay = None if self._holds else self._retries.delay(item.key, outcome.failure)
            if delay is not None:
                is_tried = not item.is_unread
                if is_tried and item.has_left_lease(outcome.failure, is_dead=is_dead):
                    delay = 0.0  # the next attempt releases it
                self._records.delayed(item, outcome.failure, delay)
                entry = (time.monotonic() + delay, id(item), item)
                heapq.heappush(self._delayed, entry)
                return
        self._finish(item, outcome)

    def _finish(self, item: Planned, outcome: Outcome) -> None:
        del self._open[item.key]
        begun = self._begun.pop(item.key, None)
        seconds = time.monotonic() - begun if begun is not None else 0.0
        self._holds |= self._stops_on_failure and outcome.state == "failed"
        self._records.ended(item, replace(outcome, attempts=item.attempts, seconds=seconds))

    def _cancel_rest(self) -> None:
        for item in list(self._open.values()):
            self._finish(item, item.assignment.outcome(state="cancelled"))
