"""How a job ended, and what it wrote."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from nfclease.fleet.failures import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, TypeAlias

    from typing_extensions import Self

    State: TypeAlias = Literal["done", "skipped", "failed", "cancelled"]

__all__ = ["Outcome", "WrittenFile"]


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that a job wrote, as it was when the job ended.

    Attributes:
        path: Where it is, absolute.
        size: Bytes.
        mtime_ns: When it was last changed, ``os.stat_result.st_mtime_ns``.
        checksum_type: ``sha1``, ``sha256`` or ``sha512``; empty without a checksum.
        checksum: The digest of the file, lower-case hex; empty without one.

    Examples:
        >>> from nfclease.fleet import WrittenFile
        >>> WrittenFile("/backup/demo-vm.ova", 4096, 1790000000000000000).checksum
        ''
    """

    path: str
    size: int
    mtime_ns: int
    checksum_type: str = ""
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended, after all its attempts.

    Attributes:
        key: The job's name over runs, ``job.key``.
        kind: ``export``, ``import`` or ``copy``.
        vm: The VM, as its job names it; for an import its package.
        target: Where it went, with dates filled in.
        state: ``done``; ``skipped``, if an earlier run did it and its files still exist;
            ``failed``; ``cancelled``, by Ctrl-C or the caller.
        bytes: Moved in the last attempt.
        seconds: From the first attempt's start to the end of the last.
        attempts: How many there were; 0 if it was skipped.
        files: What was written; empty if that is not local, as with an import.
        failure: Why it failed, or None.

    Examples:
        >>> from nfclease.fleet import Outcome
        >>> Outcome("export demo-vm", "export", "demo-vm", "/backup/demo-vm.ova", "done").attempts
        1
    """

    key: str
    kind: str
    vm: str
    target: str
    state: State
    bytes: int = 0
    seconds: float = 0.0
    attempts: int = 1
    files: tuple[WrittenFile, ...] = ()
    failure: Failure | None = None

    @property
    def reason(self) -> str:
        """What failed and why, in one line; empty where nothing did."""
        failure = self.failure
        return "" if failure is None else f"{self.vm}: {failure.error}: {failure.reason}"

    def to_dict(self) -> dict[str, Any]:
        """All of it in dicts, lists, strings and numbers, as ``json`` takes them.

        Returns:
            A dict with a key for each attribute.

        Examples:
            >>> from nfclease.fleet import Outcome
            >>> Outcome("a", "export", "demo-vm", "/backup/a.ova", "skipped").to_dict()["state"]
            'skipped'
        """
        made = {**dataclasses.asdict(self), "files": [*map(dataclasses.asdict, self.files)]}
        if self.failure is not None:
            made["failure"]["files_left"] = [*self.failure.files_left]
        return made

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `to_dict` gave.

        Args:
            values: Such a dict.

        Returns:
            An equal outcome.

        Raises:
            KeyError: A key is missing.
            TypeError: A key is unknown, or a value is of another type.

        Examples:
            >>> from nfclease.fleet import Outcome
            >>> outcome = Outcome("a", "export", "demo-vm", "/backup/a.ova", "skipped")
            >>> Outcome.from_dict(outcome.to_dict()) == outcome
            True
        """
        files = tuple(WrittenFile(**each) for each in values["files"])
        known = values["failure"]
        failure = None if known is None else Failure.from_dict(known)
        return cls(**{**values, "files": files, "failure": failure})
