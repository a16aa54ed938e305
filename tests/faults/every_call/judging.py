"""What has to hold after a run in which one call failed."""

from __future__ import annotations

import errno
import traceback
from typing import Any, NamedTuple

from nfclease import LeaseCompleteError, LeaseError, NfcError

from ..harness import invariants
from ..harness.jobs import unverified
from .calls import KINDS, SHORT, Fault
from .clones import CLONE
from .jobs import Bench, Job

#: Characters of a message of ours.
_LONGEST = 500
#: Calls that open a lease; who never gets the answer cannot end it.
_OPENINGS = ("ExportVm", "ImportVApp")
_UNKNOWN = "AmbiguousLeaseError"
#: Calls on files: their errors name the path, and have the errno that the system gave.
FILE_KINDS = KINDS[: KINDS.index("socket")]


class Outcome(NamedTuple):
    """What is left of a run that is over.

    Attributes:
        hit: What the fault was at; None where so many calls were not made.
        is_survived: Whether it ended in a result.
        violations: What did not hold.
    """

    hit: str | None
    is_survived: bool
    violations: list[str]


class Ended:
    """How a run ended, and what was wrong with it.

    Attributes:
        results: The files of a run that worked.
        error: What was raised, by its name; None where nothing was.
        text: Its message.
        hit: What the fault was at; None where so many calls were not made.
        soap_calls: How many SOAP calls it made.
        violations: What did not hold.
    """

    def __init__(self, bench: Bench, job: Job, fault: Fault | None) -> None:
        self._bench, self._job, self._fault = bench, job, fault
        self.results: list[Any] = []
        self.error: str | None = None
        self.text = self._shown = ""
        self.hit: str | None = None
        self.soap_calls = 0
        self.violations: list[str] = []
        self._keeps_files = self._is_typed = self._is_fault = self._names_host = False
        self._number: int | None = None

    @property
    def outcome(self) -> Outcome:
        """It, without what the run was made of."""
        return Outcome(self.hit, self.error is None, self.violations)

    def failed(self, error: Exception) -> None:
        """Keeps what a reader sees of an error, and not the error, which holds its lease."""
        from pyVmomi import vmodl

        self.error, self.text = type(error).__name__, str(error)
        self._shown = "".join(traceback.format_exception(error))
        self._is_fault = isinstance(error, vmodl.MethodFault)  # which says all that the server said
        self._is_typed = self._is_fault or isinstance(error, (NfcError, OSError))
        # Where pyvmomi makes the call itself, its error comes through as it is.
        self._names_host = isinstance(error, NfcError) and not isinstance(error, LeaseError)
        self._number = getattr(error, "errno", None)
        self._keeps_files = isinstance(error, LeaseCompleteError)
        at: BaseException | None = error
        while at is not None:
            traceback.clear_frames(at.__traceback__)
            at = at.__context__

    def judge(self, logged: list[str], held: invariants.Held) -> None:
        """Looks at all that has to hold."""
        bench = self._bench
        texts = [*logged, self.text, self._shown]
        self.violations += invariants.partial_files(invariants.tree_of(bench.target))
        self.violations += self._endings()
        if self.error == _UNKNOWN:
            bench.simulator.expire()  # who has no answer ends no lease: the server does
        if self.error is None:
            self.violations += self.wrong_result()
        else:
            self.violations += self._error()
            self.violations += [] if self._keeps_files else self._job.left(bench)
        if invariants.tree_of(bench.folder / "sources") != bench.planted.sources:
            self.violations.append("I1: a source is not as it was")
        self.violations += invariants.secrets_hidden(bench.secrets(), texts)
        self.violations += invariants.no_panic(texts)
        self.violations += invariants.resources_back(held)
        if self.violations:
            how = f"[at {self.hit}; {self.error}: {self.text[:200]}]"
            self.violations = [f"{text} {how}" for text in self.violations]

    def wrong_result(self) -> list[str]:
        """What is wrong with the files of a run that says that it worked."""
        found = unverified(self.results)
        made, wanted = sorted(self._job.made(self._bench)), sorted(self._job.wanted(self._bench))
        if made != wanted:
            found.append(f"I1: the bytes are others: {made}, not {wanted}")
        return found

    def _error(self) -> list[str]:
        assert self._fault is not None
        found = []
        if not self._is_fault and len(self.text) > _LONGEST:
            found.append(f"I8: a message of {len(self.text)} characters")
        if not self._is_typed:
            found.append(f"I8: an error of another kind: {self._shown[-700:]}")
        if self._fault.number == errno.EINTR or self._fault.how == SHORT:
            found.append("I8: it had to be survived")
        elif self._fault.kind in FILE_KINDS and self.hit is not None:
            if self._number != self._fault.number:
                found.append(f"I8: errno is {self._number}")
            if str(self._bench.folder) not in self.text:
                found.append("I8: no path is named")
        elif self._fault.kind == CLONE:
            if self._number != self._fault.number:
                found.append(f"I8: errno is {self._number}: {self._shown[-700:]}")
        elif self._names_host and not any(host in self.text for host in self._hosts):
            found.append("I8: the host is not named")
        return found

    @property
    def _hosts(self) -> tuple[str, str]:
        """The vCenter, and the host that the disks are at."""
        return self._bench.simulator.host, self._bench.simulator.disk_host

    def _endings(self) -> list[str]:
        simulator, found = self._bench.simulator, []
        calls: dict[str, list[str]] = {}
        seen = simulator.calls()
        last = seen[-1]["method"] if seen else ""
        is_unknown = self.error == _UNKNOWN or last in _OPENINGS
        for call in seen:
            name = call["method"].removeprefix("HttpNfcLease")
            if name in ("Complete", "Abort"):
                calls.setdefault(call["moid"], []).append(f"{name} {call['result']}")
        for lease in simulator.leases():
            ends, state = calls.get(lease["moid"], []), lease["state"]
            if self.error is not None and is_unknown and not ends:
                continue
            if state in ("ready", "initializing"):
                found.append(f"I3: a lease is held; {ends}")
            # A Complete that was refused is followed by Abort; one that got no answer is made
            # again where the state says that it was not done.
            done = [end.partition(" ")[0] for end in ends if self._was_done(end)]
            if done != ["Complete"] and (done != ["Abort"] or self.error is None):
                found.append(f"I3: the lease, which is {state}, was ended by {ends}")
        return found

    def _was_done(self, end: str) -> bool:
        assert self._fault is not None
        return end.endswith(" ok") or (self._fault.after and end.endswith(" drop"))
