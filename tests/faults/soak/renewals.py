"""How late the renewals of leases are, from what the front wrote down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

#: Seconds from one renewal of a lease to the next, and from a refused one to the next try.
INTERVAL = 1.0


@dataclass
class _Lease:
    """What is known of one.

    Attributes:
        asked: When the renewal was that is under way.
        due: When the next one is; None before the first, and while one is under way.
        refused: Whether the last one was: the lease may be over.
        held_since: When it was first known to be held.
        ended: Whether the process has ended it.
    """

    asked: float | None = None
    due: float | None = None
    refused: bool = False
    held_since: float | None = None
    ended: bool = False


@dataclass
class Renewals:
    """All of them so far, in seconds of the clock that all processes of a machine share.

    Attributes:
        count: How many came.
        latest: How late the latest was.
        recent: How late the latest was since somebody set this to 0.
        front: How late the front itself was to be run, at the most.
    """

    count: int = 0
    latest: float = 0.0
    recent: float = 0.0
    front: float = 0.0
    _leases: dict[str, _Lease] = field(default_factory=dict)

    def learn(self, lines: Iterable[str]) -> None:
        """Reads what the front wrote."""
        for line in lines:
            at, what, rest = line.split()
            if what == "late":
                self.front = max(self.front, float(rest))
            elif what in ("answered", "refused"):
                self._answered(self._lease(rest), float(at), what == "refused")
            else:
                self._asked(self._lease(rest), float(at), what)

    def held(self, moids: Iterable[str], before: float, after: float) -> None:
        """Looks for renewals that never came, once all that came is learnt.

        Args:
            moids: The leases that the server holds.
            before: When it was asked for them: they were held then, or later.
            after: When it had answered.
        """
        for lease in map(self._lease, moids):
            if lease.ended or lease.asked is not None:
                continue
            if lease.held_since is None:
                lease.held_since = after
            due = lease.held_since if lease.due is None else lease.due
            self._late(before - due)

    def _lease(self, moid: str) -> _Lease:
        return self._leases.setdefault(moid, _Lease())

    def _asked(self, lease: _Lease, at: float, what: str) -> None:
        ends = what != "Progress"
        if lease.due is not None and not (ends and lease.refused):
            self._late(at - lease.due)
        self.count += not ends
        lease.asked, lease.due, lease.ended = None if ends else at, None, ends

    @staticmethod
    def _answered(lease: _Lease, at: float, refused: bool) -> None:
        if lease.asked is None:
            return  # of the call that ends it
        # A server that is late with an answer gets the next one no sooner.
        lease.due = at + INTERVAL if refused else max(lease.asked + INTERVAL, at)
        lease.asked, lease.refused = None, refused

    def _late(self, seconds: float) -> None:
        self.latest, self.recent = max(self.latest, seconds), max(self.recent, seconds)
