"""What clients did, so that a test can say "exactly one Abort"."""

from __future__ import annotations

import dataclasses
import re
import time
from typing import Any

_PASSWORD = re.compile(r"(<(?:\w+:)?password\b[^>]*>).*?(</(?:\w+:)?password>)", re.DOTALL)
_KEPT = 200_000  # of each; a long demo must not grow without end


@dataclasses.dataclass
class Transfer:
    """One data request, from its headers to its end."""

    listener: str
    method: str
    path: str
    headers: dict[str, str]
    t: float
    started: float
    lease: str = ""
    disk: str = ""
    status: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    sha1: str | None = None
    aborted: bool = False
    ended: float | None = None

    def facts(self) -> dict[str, str]:
        """What faults are matched against."""
        return {
            "disk": self.disk,
            "lease": self.lease,
            "method": self.method,
            "listener": self.listener,
        }


class Recorder:
    """Calls and data requests, in order."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.transfers: list[Transfer] = []

    def reset(self) -> None:
        """Forgets everything; requests that still run are not listed any more."""
        self.calls.clear()
        self.transfers.clear()

    def call(self, raw: bytes, **fields: Any) -> dict[str, Any]:
        """Records a call; the caller sets ``result`` when there is one."""
        text = _PASSWORD.sub(r"\1***\2", raw.decode("utf-8", "replace"))
        entry: dict[str, Any] = {"t": time.monotonic(), **fields, "result": None, "raw": text}
        self.calls.append(entry)
        del self.calls[:-_KEPT]
        return entry

    def transfer(self, **fields: Any) -> Transfer:
        """Records the start of a data request."""
        now = time.monotonic()
        entry = Transfer(t=now, started=now, **fields)
        self.transfers.append(entry)
        del self.transfers[:-_KEPT]
        return entry


def summary(args: dict[str, Any]) -> dict[str, Any]:
    """Arguments in a form that JSON has."""
    return {name: "***" if name == "password" else _plain(value) for name, value in args.items()}


def _plain(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Exception):
        return {"fault": type(value).__name__, "msg": getattr(value, "msg", None)}
    if hasattr(value, "_moId"):
        return value._moId
    if isinstance(value, str):
        return str(value)
    return type(value).__name__
