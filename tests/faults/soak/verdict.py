"""What a soak has to keep, and what of it was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

#: Bytes over Python with the libraries.
MOST_MEMORY = 160 << 20
#: From the second third to the last one.
MOST_GROWTH = 8 << 20
#: Seconds that a renewal may be late.
MOST_LATE = 1.0
#: Fewer looks at the memory than this say nothing of its growth.
FEWEST_LOOKS = 9


@dataclass
class Seen:
    """What was seen of the process that is watched.

    Attributes:
        memory: The bytes that were resident each second, over Python with the libraries.
        peak: The most that ever were.
        renewed: How many renewals came.
        late: How many seconds the latest was late.
        front: The same of the process that wrote them down.
        held: The leases that the server still holds.
        ends: How often a lease ended in what.
        strange: What the process says that may not be.
        status: How the process ended.
    """

    memory: Sequence[int]
    peak: int
    renewed: int
    late: float
    front: float
    held: Sequence[str] = ()
    ends: Mapping[str, int] = field(default_factory=dict)
    strange: Sequence[str] = ()
    status: int = 0

    @classmethod
    def of(cls, told: Mapping[str, Any], **others: Any) -> Seen:
        """With what the process tells at its end."""
        return cls(ends=told["ends"], strange=told["strange"], **others)

    @property
    def growth(self) -> float:
        """Bytes from the second third to the last one."""
        third = len(self.memory) // 3
        return mean(self.memory[-third:]) - mean(self.memory[third:-third])


def missed(seen: Seen) -> list[str]:
    """What was not kept."""
    found = [*seen.strange]
    if not seen.renewed:
        found.append("no lease was renewed")
    if seen.late > MOST_LATE:
        busy = f"; who looks at it was {seen.front:.2f} s late itself" if seen.front > 0.1 else ""
        found.append(f"a Progress was {seen.late:.2f} s late, not {MOST_LATE}{busy}")
    if seen.peak > MOST_MEMORY:
        found.append(f"it held {seen.peak >> 20} MiB, not {MOST_MEMORY >> 20}")
    if len(seen.memory) < FEWEST_LOOKS:
        found.append(f"its memory was looked at {len(seen.memory)} times, which tells no growth")
    elif seen.growth > MOST_GROWTH:
        found.append(f"it grew by {seen.growth / 2**20:.1f} MiB in its last third")
    if seen.held:
        found.append(f"{len(seen.held)} leases are still held")
    if not seen.ends.get("verified"):
        found.append("no lease was verified")
    if set(seen.ends) <= {"verified"}:
        found.append("nothing failed: no fault came to any lease")
    if seen.status:
        found.append(f"its process ended with {seen.status}")
    return found
