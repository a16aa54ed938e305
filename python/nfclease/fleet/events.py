"""What a fleet tells its watchers, and a watcher that writes JSON lines."""

from __future__ import annotations

import dataclasses
import json
import threading
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TextIO

    from nfclease.fleet.outcomes import Outcome

__all__ = ["Event", "JsonLines"]


@dataclass(frozen=True, slots=True)
class Event:
    """A change of one job, or of the whole run.

    Attributes:
        kind: ``planned``, once more where its vCenter was away at first; ``waiting``, for a reason;
            ``started``, once for each attempt; ``moved``, now and then while bytes move; ``ended``,
            once for each job; ``stopping``, of the run.
        at: When, in seconds since 1970, ``time.time()``.
        key: The job's name over runs; empty where it is about the whole run.
        vm: Its VM.
        host: The ESXi host that serves it now.
        vcenter: The vCenter, or the host without one.
        disks: How many disks it has: so much of a host's cap it takes.
        bytes: Moved so far in this attempt.
        total: Bytes at most; 0 where unknown.
        reason: Why it waits, such as ``host esx3: 8 of 8 disks``, or why it failed.
        outcome: Of ``ended``: how.

    Examples:
        >>> from nfclease.fleet import Event
        >>> Event("waiting", at=1790000000.0, vm="demo-vm", reason="host esx3: 8 of 8 disks").disks
        0
    """

    kind: Literal["planned", "waiting", "started", "moved", "ended", "stopping"]
    at: float
    key: str = ""
    vm: str = ""
    host: str = ""
    vcenter: str = ""
    disks: int = 0
    bytes: int = 0
    total: int = 0
    reason: str = ""
    outcome: Outcome | None = None

    def to_dict(self) -> dict[str, Any]:
        """All of it in dicts, lists, strings and numbers, as ``json`` takes them.

        Returns:
            A dict with a key for each attribute.

        Examples:
            >>> from nfclease.fleet import Event
            >>> Event("stopping", at=1790000000.0).to_dict()["kind"]
            'stopping'
        """
        shown = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return shown | {"outcome": None if self.outcome is None else self.outcome.to_dict()}


class JsonLines:
    """A watcher that writes each event as a JSON object on a line of its own.

    Several threads may call it: lines are never mixed.

    Args:
        stream: An open text file, such as ``sys.stderr``. It is flushed after each line.

    Examples:
        >>> import io
        >>> from nfclease.fleet import Event, JsonLines
        >>> log = io.StringIO()
        >>> JsonLines(log)(Event("stopping", at=1790000000.0))
        >>> print(log.getvalue(), end="")
        {"kind": "stopping", "at": 1790000000.0, "key": "", ...}
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Writes one event.

        Args:
            event: What changed.

        Raises:
            OSError: The stream cannot be written.
            ValueError: It is closed.
        """
        line = json.dumps(event.to_dict())
        with self._lock:
            self._stream.write(f"{line}\n")
            self._stream.flush()
