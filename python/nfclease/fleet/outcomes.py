"""How a job of a fleet ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from nfclease.fleet.failures import Failure

__all__ = ["Outcome", "WrittenFile"]


@dataclass(frozen=True)
class WrittenFile:
    """A file that a job has written.

    Attributes:
        path: Where it is.
        size: Bytes.
        mtime_ns: When it was last changed, in nanoseconds since 1970.
        checksum_type: ``sha1``, ``sha256`` or ``sha512``; empty where no sum is known.
        checksum: Lower-case hex; empty likewise.

    Examples:
        >>> from nfclease.fleet import WrittenFile
        >>> WrittenFile("web.ova", 4096, 0, "", "").size
        4096
    """

    path: str
    size: int
    mtime_ns: int
    checksum_type: str
    checksum: str


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        key: The job's.
        kind: ``export``, ``import`` or ``copy``.
        vm: The VM, or the source of an import, as the job has it.
        target: The target with dates filled in.
        state: ``done``, ``skipped``, ``failed`` or ``cancelled``.
        bytes: How many moved.
        seconds: From the first start to the end.
        attempts: How many times it was started.
        files: What it has written.
        failure: Why it failed; None where it did not.

    Examples:
        >>> from nfclease.fleet import Outcome
        >>> Outcome("k", "export", "web", "web.ova", "done", 1, 0.1, 1, (), None).to_dict()["state"]
        'done'
    """

    key: str
    kind: str
    vm: str
    target: str
    state: Literal["done", "skipped", "failed", "cancelled"]
    bytes: int
    seconds: float
    attempts: int
    files: tuple[WrittenFile, ...]
    failure: Failure | None

    def to_dict(self) -> dict[str, Any]:
        """All of it as what JSON knows."""
        return {**asdict(self), "files": [asdict(file) for file in self.files]}
