"""What became of a whole run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.fleet.outcomes import Outcome

__all__ = ["Summary"]

#: Failures that a text names.
_SHOWN = 20


@dataclass(frozen=True)
class Summary:
    """A run that has ended.

    Attributes:
        outcomes: One for each job, in the order in which they ended.
        seconds: From the start of the planning to the end of the last job.

    Examples:
        >>> from nfclease.fleet import Summary
        >>> print(Summary((), 1.5))
        0 jobs in 1.5 s, 0 bytes
    """

    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def done(self) -> tuple[Outcome, ...]:
        """Those that did what they were to do."""
        return self._in("done")

    @property
    def skipped(self) -> tuple[Outcome, ...]:
        """Those that an earlier run has done."""
        return self._in("skipped")

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Those that failed for good."""
        return self._in("failed")

    @property
    def cancelled(self) -> tuple[Outcome, ...]:
        """Those that the end of the run met before they were done, or started."""
        return self._in("cancelled")

    @property
    def bytes(self) -> int:
        """Bytes that the done ones moved."""
        return sum(each.bytes for each in self.done)

    def _in(self, state: str) -> tuple[Outcome, ...]:
        return tuple(each for each in self.outcomes if each.state == state)

    def to_dict(self) -> dict[str, Any]:
        """All of it as what JSON knows."""
        counts = Counter(each.state for each in self.outcomes)
        return {
            "jobs": len(self.outcomes),
            **{state: counts[state] for state in ("done", "skipped", "failed", "cancelled")},
            "bytes": self.bytes,
            "seconds": self.seconds,
            "outcomes": [each.to_dict() for each in self.outcomes],
        }

    def __str__(self) -> str:
        """A line of counts, and one for each failure."""
        counts = Counter(each.state for each in self.outcomes)
        states = "".join(f", {number} {state}" for state, number in sorted(counts.items()))
        lines = [f"{len(self.outcomes)} jobs in {self.seconds:.1f} s{states}, {self.bytes} bytes"]
        lines += [each.reason for each in self.failed[:_SHOWN]]
        if len(self.failed) > _SHOWN:
            lines.append(f"and {len(self.failed) - _SHOWN} more")
        return "\n".join(lines)
