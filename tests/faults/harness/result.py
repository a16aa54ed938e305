"""How a run of a case ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Result:
    """How a run of a case ended.

    Attributes:
        id: The case's.
        face: What it ran on.
        variant: Which one.
        status: ``survived``, ``failed`` or ``not run``.
        reason: Why it was not run.
        violations: Invariants and expectations that did not hold.
        seconds: How long it took, the invariants not counted.
        growth: Bytes that the process grew by.
        numbers: What the case has measured.
        seed: What its chance began with.
    """

    id: str
    face: str
    variant: str
    status: str = "survived"
    reason: str = ""
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0
    growth: int = 0
    numbers: dict[str, float] = field(default_factory=dict)
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)
