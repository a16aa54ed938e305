"""Faults on demand, and which of them strikes next.

A fault is injected by name with parameters, ``match`` (a substring of what it strikes; empty
strikes all) and ``count`` (how many times; None is always):

| fault | strikes | parameters |
| --- | --- | --- |
| ``bandwidth`` | data of a file | ``bytes_per_second`` per stream, both directions |
| ``flip`` | GET of a file | ``offset``: this byte is inverted after it was hashed |
| ``cut`` | data of a file | ``after_bytes``, ``how``: see below |
| ``stall`` | data of a file | ``after_bytes``, ``seconds`` (None: for ever) |
| ``expire`` | data of a file | ``after_bytes``: the lease expires there |
| ``status`` | data of a file | ``code``, ``body``, ``headers`` |
| ``html`` | GET of a file | 200 with a login page |
| ``empty`` | GET of a file | 200 without a body |
| ``redirect`` | data of a file | ``location``, ``code`` (302) |
| ``wrong_certificate`` | connections to the disk host | another self-signed certificate |
| ``no_manifest`` | GetManifest | an empty list |
| ``manifest`` | an entry of GetManifest | ``sha1``, ``size``, or ``missing=True`` |
| ``target_id`` | a device of an export | ``value`` |
| ``device_url`` | a device | ``url``, ``ssl_thumbprint`` |
| ``http_url`` | a device | its URL becomes ``http://`` |
| ``file_item_path`` | CreateImportSpec | ``value``: path of the first fileItem |
| ``init_error`` | a new lease | ``fault``, ``message``: goes into error while initializing |
| ``init_forever`` | a new lease | never becomes ready |
| ``soap_fault`` | a method | ``fault`` such as ``vim.fault.InvalidState``, ``message`` |
| ``soap_delay`` | a method | ``seconds`` before the answer |
| ``soap_status`` | a method | ``code``, ``body`` instead of an answer |
| ``drop`` | a method | no answer; ``after=True``: the call takes effect first |
| ``raw_reply`` | a method | ``body`` instead of an answer |

``how`` of ``cut`` is ``reset`` (RST), ``clean`` (proper TLS close, no last chunk), ``end`` (a
well-formed but short body) or ``close_delimited`` (no length, no chunks, cut with a proper close).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

NAMES = frozenset(
    line.split("``")[1] for line in (__doc__ or "").splitlines() if line.startswith("| ``")
)


@dataclass
class Fault:
    """One injected fault."""

    id: int
    name: str
    match: str
    count: int | None
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def fault(self) -> str:
        """The fault type that a call raises."""
        return str(self.params.get("fault", "vmodl.fault.SystemError"))

    @property
    def message(self) -> str:
        """Its message."""
        return str(self.params.get("message", "injected by a test"))


class Faults:
    """The injected faults, oldest first."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._active: list[Fault] = []

    def inject(
        self, name: str, match: str = "", count: int | None = None, **params: Any
    ) -> int:
        """Adds a fault; returns its id."""
        if name not in NAMES:
            raise ValueError(f"unknown fault {name!r}; there are {', '.join(sorted(NAMES))}")
        fault = Fault(next(self._ids), name, match, count, params)
        self._active.append(fault)
        return fault.id

    def clear(self, fault_id: int | None = None) -> None:
        """Removes one fault, or all."""
        self._active = [f for f in self._active if fault_id is not None and f.id != fault_id]

    def take(self, name: str, where: str = "") -> Fault | None:
        """The fault that strikes here now; its count goes down."""
        for fault in self._active:
            if fault.name == name and fault.match in where:
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._active.remove(fault)
                return fault
        return None

    def has(self, name: str) -> bool:
        """Whether such a fault is active; takes nothing."""
        return any(fault.name == name for fault in self._active)

    def soap(self, method: str, moid: str) -> Fault | None:
        """The fault that a call raises instead of being executed."""
        return self.take("soap_fault", f"{method} {moid}")

    def file_item_path(self) -> str | None:
        """What CreateImportSpec says instead of the first file's path."""
        fault = self.take("file_item_path")
        return None if fault is None else str(fault.params["value"])
