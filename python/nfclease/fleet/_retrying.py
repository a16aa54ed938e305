"""Whether a job that failed is tried again, and when."""

from __future__ import annotations

import time
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.fleet.failures import Failure

#: The longest wait before a try of a job that has to wait for something else.
_LONGEST = 60.0


@dataclass(frozen=True)
class Rules:
    """What ``run`` was told.

    Attributes:
        per_host: Disks at once from a host.
        per_vcenter: The same, of a vCenter.
        retries: How often a job that failed is started again.
        retry_delay: Seconds before the first of these; twice as many before each further one.
        blocked_timeout: Seconds for which a job is tried again that has to wait for something.
        stop_on_failure: Whether nothing new starts once a job has failed for good.
        max_jobs: Jobs at once; None means without a limit.
    """

    per_host: int = 8
    per_vcenter: int = 48
    retries: int = 2
    retry_delay: float = 30.0
    blocked_timeout: float = 900.0
    stop_on_failure: bool = False
    max_jobs: int | None = None

    def check(self) -> None:
        """Refuses numbers out of their range.

        Raises:
            TypeError: A value is of the wrong kind.
            ValueError: A number is out of its range.
        """
        counts = (("per_host", 1), ("per_vcenter", 1), ("retries", 0), ("max_jobs", 1))
        for name, least in counts:
            value = getattr(self, name)
            if value is None and name == "max_jobs":
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an int, not {type(value).__name__}")
            if value < least:
                raise ValueError(f"{name} must be {least} or more, not {value}")
        for name in ("retry_delay", "blocked_timeout"):
            value = getattr(self, name)
            if not isinstance(value, (int, float)):
                raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
            if not 0 <= value < 1e9:
                raise ValueError(f"{name} must be 0 or more seconds, not {value}")


class Retries:
    """What has failed so far, by the keys of the jobs."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._failed: dict[str, int] = {}
        self._blocked: dict[str, tuple[float, int]] = {}

    def delay(self, key: str, failure: Failure | None) -> float | None:
        """Seconds until a job is tried again; None if it has failed for good."""
        if failure is None or failure.verdict == "never":
            return None
        if failure.verdict == "again":
            number = self._failed[key] = self._failed.get(key, 0) + 1
            return self._growing(number - 1) if number <= self._rules.retries else None
        since, number = self._blocked.get(key, (time.monotonic(), 0))
        self._blocked[key] = since, number + 1
        left = since + self._rules.blocked_timeout - time.monotonic()
        return min(self._growing(number), _LONGEST, left) if left > 0 else None

    def _growing(self, number: int) -> float:
        delay: float = self._rules.retry_delay * 2 ** min(number, 10)
        return delay
