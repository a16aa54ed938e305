"""Everything that was asked of the simulator, so that a test can say "exactly one Abort"."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Call:
    """One SOAP call."""

    t: float
    method: str
    moid: str
    session: str
    args: dict[str, Any]
    result: str
    raw: str


@dataclass
class DataRequest:
    """One request for the bytes of a file."""

    t: float
    listener: str
    method: str
    path: str
    headers: dict[str, str]
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    status: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    sha1: str = ""
    aborted: bool = False


class Recorder:
    """Calls and data requests in the order of their arrival."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.requests: list[DataRequest] = []

    def call(
        self, method: str, moid: str, session: str, args: dict[str, Any], result: str, body: bytes
    ) -> None:
        """Records a call; a password in it is not kept."""
        raw = re.sub(
            r"(<password[^>]*>)[^<]*", r"\1(redacted)", body.decode("utf-8", errors="replace")
        )
        self.calls.append(Call(time.monotonic(), method, moid, session, args, result, raw))

    def request(
        self, listener: str, method: str, path: str, headers: dict[str, str]
    ) -> DataRequest:
        """Records the start of a data request; the caller fills in the rest."""
        request = DataRequest(time.monotonic(), listener, method, path, headers)
        self.requests.append(request)
        return request

    def reset(self) -> None:
        """Forgets everything."""
        self.calls.clear()
        self.requests.clear()

    def calls_as_dicts(self) -> list[dict[str, Any]]:
        """The calls as JSON-able dicts."""
        return [asdict(call) for call in self.calls]

    def requests_as_dicts(self) -> list[dict[str, Any]]:
        """The data requests as JSON-able dicts."""
        return [asdict(request) for request in self.requests]
