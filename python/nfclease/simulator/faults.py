"""Faults on demand.

``inject(kind, match, count, **params)`` puts one in place; it applies to what it matches, and
``count`` times only if that is given. ``match`` is a part of any of the following, or a dict by
key, all of which have to agree; a key that is left out matches everything:

=========== =====================================================================
``disk``    part of a file's name or of its device key, such as ``disk-1``
``lease``   the moid of a lease
``method``  a SOAP method, or ``GET``, ``POST``, ``PUT`` of a data request, or
            ``PULL`` of a file that the server fetches
``listener`` ``vcenter`` or ``host``
=========== =====================================================================

The kinds, with their parameters and defaults:

===================== =============================================================
``expire``            the lease of a data request expires; ``after_bytes=0``
``cut``               the connection ends; ``after_bytes=0``, ``how="reset"`` or
                      ``clean`` (TLS and TCP end well, the last chunk is missing),
                      ``fin`` (TCP ends, TLS does not), ``end`` (short, but a
                      well-formed chunked body), ``close_delimited`` (neither
                      chunked nor a length, then ended well)
``flip``              a byte of a download changes after hashing; of an upload,
                      before; ``offset=0``, ``mask=255``
``stall``             nothing more moves; ``after_bytes=0``, ``seconds=None``
                      (None: until the fault is cleared)
``bandwidth``         ``bytes_per_second``, each stream, both directions
``status``            a data request is refused; ``code=503``, ``body=""``,
                      ``headers={}``
``html``              200 with a page instead of the disk; ``body=...``,
                      ``after=False`` (True: after the whole upload was read)
``empty``             200 with a tiny body; ``size=0``
``redirect``          ``location=None`` (the same path at the other listener),
                      ``code=302``
``wrong_certificate`` the listener of the deviceUrls, or the one that is matched,
                      presents another certificate to new connections
``target_id``         ``value``: a deviceUrl's targetId
``device_url``        ``fields={...}``, or them as parameters: of a deviceUrl;
                      ``netloc="host:port"`` of its address alone, for a proxy there
``http_url``          a deviceUrl becomes ``http://``
``file_item_path``    ``value``: a fileItem's path
``no_manifest``       GetManifest returns nothing
``manifest``          entries are edited; ``missing=False``, or ``sha1``, ``size``,
                      ``checksum``, ``key`` ... as parameters
``init_error``        a lease ends in error while initializing;
                      ``fault="vim.fault.FileFault"``, ``message=None``
``init_forever``      a lease stays initializing
``task_error``        a task fails that would do something, such as CreateSnapshot_Task;
                      ``fault="vmodl.fault.SystemError"``, ``message=None``
``task_delay``        such a task takes longer; ``seconds=1`` (None: until the fault is
                      cleared)
``ovf_error``         CreateDescriptor or CreateImportSpec, as ``method`` says, finds an
                      error; ``fault="vim.fault.OvfInternalError"``, ``message=None``
``ovf_warning``       the same with a warning; ``fault="vim.fault.OvfInternalError"``,
                      ``message=None``
``soap_fault``        ``fault="vmodl.fault.SystemError"``, ``message=None``,
                      ``after=False`` (True: the call is done, then refused)
``soap_delay``        ``seconds=1``, before the call is done (None: until the fault is
                      cleared)
``soap_status``       ``code=503``, ``body=""``; ``after=False``
``drop``              the connection ends with no answer; ``after=False``
``raw_reply``         ``body``, ``code=200``; ``after=False``
===================== =============================================================
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from typing import Any

from nfclease.simulator.soap.vsphere import MethodFault, support

_KEYS = ("disk", "lease", "method", "listener")
#: Each kind, and the parameters that it knows; None for any.
KINDS: dict[str, set[str] | None] = {
    "expire": {"after_bytes"},
    "cut": {"after_bytes", "how"},
    "flip": {"offset", "mask"},
    "stall": {"after_bytes", "seconds"},
    "bandwidth": {"bytes_per_second"},
    "status": {"code", "body", "headers"},
    "html": {"body", "after"},
    "empty": {"size"},
    "redirect": {"location", "code"},
    "wrong_certificate": set(),
    "target_id": {"value"},
    "device_url": None,
    "http_url": set(),
    "file_item_path": {"value"},
    "no_manifest": set(),
    "manifest": None,
    "init_error": {"fault", "message"},
    "init_forever": set(),
    "task_error": {"fault", "message"},
    "task_delay": {"seconds"},
    "ovf_error": {"fault", "message"},
    "ovf_warning": {"fault", "message"},
    "soap_fault": {"fault", "message", "after"},
    "soap_delay": {"seconds"},
    "soap_status": {"code", "body", "after"},
    "drop": {"after"},
    "raw_reply": {"body", "code", "after"},
}


#: What each parameter may be; the others are texts of the caller's.
_NUMBERS = {"after_bytes", "offset", "mask", "size", "code", "bytes_per_second", "seconds"}
_CUTS = ("reset", "clean", "fin", "end", "close_delimited")


def _check(kind: str, count: int | None, skip: object, params: dict[str, Any]) -> None:
    """Refuses values that no fault can mean.

    Raises:
        ValueError: One is of the wrong kind or out of its range.
    """
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError(f"count must be 1 or more, or None for always, not {count!r}")
    if not isinstance(skip, int) or skip < 0:
        raise ValueError(f"skip must be 0 or more, not {skip!r}")
    if KINDS[kind] is None:
        return
    for name in _NUMBERS & params.keys():
        value = params[name]
        never = value is None and name in ("seconds", "after_bytes")
        if not never and (not isinstance(value, (int, float)) or value < 0):
            raise ValueError(f"{kind}: {name} must be a number, 0 or more, not {value!r}")
    if "fault" in params:
        _check_type(params["fault"])
    if kind == "cut" and params.get("how", "reset") not in _CUTS:
        raise ValueError(f"cut: how must be one of {', '.join(_CUTS)}, not {params['how']!r}")


def _check_type(name: str) -> None:
    try:
        found = support.GetVmodlType(name)
    except (KeyError, AttributeError, TypeError):
        found = None
    if not isinstance(found, type) or not issubclass(found, MethodFault):
        raise ValueError(f"no fault type {name!r}; one is 'vim.fault.InvalidState'")


@dataclasses.dataclass
class Fault:
    """One fault that is in place."""

    id: int
    kind: str
    part: str
    match: dict[str, str]
    count: int | None
    params: dict[str, Any]
    skip: int = 0
    hits: int = 0
    cleared: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def fits(self, facts: dict[str, str], named: bool) -> bool:
        """Whether it applies to something with these facts."""
        if not named and not self.part and not self.match:
            return False
        for key, wanted in self.match.items():
            actual = facts.get(key, "")
            if wanted not in actual if key == "disk" else wanted != actual:
                return False
        return any(self.part in fact for fact in facts.values()) or not self.part


class Faults:
    """The faults that are in place."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self.active: list[Fault] = []
        #: Those that were not cleared; some are used up, and still hold what took them.
        self._standing: list[Fault] = []

    def inject(
        self,
        kind: str,
        match: str | dict[str, str] | None,
        count: int | None,
        params: dict[str, Any],
    ) -> int:
        """Puts a fault in place and returns its id.

        Raises:
            ValueError: The kind, a key to match by, or a parameter is unknown, or a value is not
                one that it can have.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are {', '.join(sorted(KINDS))}")
        part = match if isinstance(match, str) else ""
        wanted = {} if isinstance(match, str) else {**(match or {})}
        wanted.update({key: params.pop(key) for key in _KEYS if key in params})
        skip = params.pop("skip", 0)
        unknown = wanted.keys() - set(_KEYS)
        if unknown:
            raise ValueError(f"cannot match by {', '.join(sorted(unknown))}; only {_KEYS}")
        known = KINDS[kind]
        strange = set() if known is None else params.keys() - known
        if strange:
            raise ValueError(
                f"{kind} has no {', '.join(sorted(strange))}; "
                f"it takes {', '.join(sorted(known or ())) or 'no parameter'}"
            )
        _check(kind, count, skip, params)
        added = Fault(next(self._ids), kind, part, wanted, count, params, skip)
        self.active.append(added)
        self._standing.append(added)
        return added.id

    def take(self, kind: str, facts: dict[str, str], named: bool = True) -> dict[str, Any] | None:
        """The parameters of the first fault that applies; uses up one of its count.

        Args:
            kind: The kind.
            facts: What the fault is matched against.
            named: Whether a fault that matches everything applies too.
        """
        for one in self.active:
            if one.kind == kind and one.fits(facts, named):
                if one.skip:
                    one.skip -= 1
                    continue
                one.hits += 1
                if one.count is not None and one.hits >= one.count:
                    self.active.remove(one)
                return one.params
        return None

    async def delay(self, params: dict[str, Any], default: float | None) -> None:
        """Waits as long as a fault with these parameters says."""
        seconds = params.get("seconds", default)
        if seconds is not None:
            await asyncio.sleep(seconds)
            return
        # What took it before it was cleared may come here afterwards.
        for fault in self._standing:
            if fault.params is params:
                await fault.cleared.wait()

    def clear(self, fault_id: int | None = None) -> None:
        """Removes one fault, or all, and lets go on what they hold."""
        for fault in self._standing:
            if fault_id in (None, fault.id):
                fault.cleared.set()
        self._standing = [fault for fault in self._standing if not fault.cleared.is_set()]
        self.active = [fault for fault in self.active if not fault.cleared.is_set()]
