"""What goes wrong in the run of a seed: always the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: About how many bytes each of the three disks has.
DISK_SIZE = 256 << 10
DISKS = ("disk-0", "disk-1", "disk-2")
#: Leases of either face, and the jobs with packages, on either face as well.
FACES = (
    "blocking",
    "asyncio",
    "export_vm",
    "export_vm_async",
    "import_vapp",
    "import_vapp_async",
)
LEASES = FACES[:2]
#: Calls that a lease makes.
LEASE_CALLS = (
    "HttpNfcLeaseProgress",
    "HttpNfcLeaseGetManifest",
    "HttpNfcLeaseComplete",
    "HttpNfcLeaseAbort",
)
#: Those of an export and of an import besides.
EXPORT_CALLS = ("ExportVm", "CreateDescriptor", "Fetch", "RetrievePropertiesEx")
IMPORT_CALLS = ("ImportVApp", "CreateImportSpec", "Fetch", "RetrievePropertiesEx")
SOAP_FAULTS = (
    "vmodl.fault.SystemError",
    "vmodl.fault.ManagedObjectNotFound",
    "vim.fault.InvalidState",
    "vim.fault.NotAuthenticated",
    "vim.fault.TaskInProgress",
)
CODES = (400, 401, 403, 404, 408, 410, 413, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Fault:
    """One fault of the simulator, as ``Simulator.inject`` takes it."""

    kind: str
    count: int | None
    params: dict[str, Any]

    def __str__(self) -> str:
        often = "always" if self.count is None else f"{self.count} times"
        return f"{self.kind} {often} {self.params}"

    @property
    def method(self) -> str:
        """The call that it is about; empty for a fault of the data."""
        return str(self.params.get("method", ""))


@dataclass(frozen=True)
class Recipe:
    """All that a seed decides.

    Attributes:
        seed: The seed.
        face: What the job runs on.
        archive: Whether an export makes an ``.ova``.
        faults: Of the server.
        trouble: What happens on this side: ``raises``, ``cancelled``, ``signal``, ``full``,
            ``logged out``, ``expires``, or nothing.
        moment: Seconds after which it does, or of how many events a callback raises at the last.
        options: Of the lease.
    """

    seed: int
    face: str
    archive: bool
    faults: list[Fault]
    trouble: str
    moment: float
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def imports(self) -> bool:
        """Whether the job is an import."""
        return self.face.startswith("import")

    def lines(self) -> list[str]:
        """What a person reads of it."""
        place = " to an archive" if self.archive else ""
        told = [f"seed {self.seed}: {self.face}{place}, {self.options}"]
        told += [f"    {fault}" for fault in self.faults]
        return told + ([f"    {self.trouble}, {self.moment:.2f}"] if self.trouble else [])

    @property
    def touches_manifest(self) -> bool:
        """Whether the server may not list a file, which is then verified by its form alone."""
        return any(fault.kind in ("no_manifest", "manifest") for fault in self.faults)

    def touches(self, *methods: str) -> bool:
        """Whether a fault is about one of these calls."""
        return any(fault.method in methods for fault in self.faults)


def recipe_of(seed: int) -> Recipe:
    """The recipe of a seed."""
    chance = random.Random(seed)
    face = chance.choice(FACES)
    moves = list(_UPLOADS if face.startswith("import") else _DOWNLOADS)
    faults = [chance.choice(moves)(chance) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
    calls = list(LEASE_CALLS)
    if face not in LEASES:  # a lease is made by the caller, with pyvmomi's own call
        calls += IMPORT_CALLS if face.startswith("import") else EXPORT_CALLS
    faults += [_of_call(chance, calls) for _ in range(chance.choice((0, 0, 0, 1, 1)))]
    if chance.random() < 0.15:
        faults.append(chance.choice(_OF_LEASES)(chance))
    trouble = chance.choice(("",) * 14 + _troubles(face))
    if trouble or chance.random() < 0.3:
        rate = DISK_SIZE / chance.choice((0.1, 0.3, 0.6))
        faults.append(Fault("bandwidth", None, {"bytes_per_second": rate}))
    options = {
        "max_retries": chance.choice((0, 1, 2)),
        "timeout": chance.choice((0.6, 1.0)),
        "retry_timeout": 4.0,
        "max_concurrency": chance.choice((1, 2, 4)),
        "keep_alive_interval": chance.choice((None, 0.1)),
    }
    return Recipe(
        seed, face, chance.random() < 0.4, faults, trouble, chance.random() * 0.6, options
    )


def _troubles(face: str) -> tuple[str, ...]:
    """What can happen on this side of the job."""
    how = "cancelled" if face.endswith(("async", "asyncio")) else "signal"
    written = () if face.startswith("import") else ("full",)
    return ("raises", how, how, "logged out", "expires", *written)


def _disk(chance: random.Random) -> dict[str, Any]:
    """One of the disks, or all of them."""
    name = chance.choice((*DISKS, *DISKS, ""))
    return {"disk": name or "disk-"}


def _count(chance: random.Random) -> int | None:
    return chance.choice((1, 1, 1, 1, 2, None))


def _at(chance: random.Random) -> int:
    """How many bytes come first: few, nearly all, or any number."""
    return chance.choice((0, 1, 512, DISK_SIZE - 1, chance.randrange(DISK_SIZE)))


def _cut(chance: random.Random) -> Fault:
    how = chance.choice(("reset", "clean", "fin", "end", "close_delimited"))
    return Fault("cut", _count(chance), {**_disk(chance), "after_bytes": _at(chance), "how": how})


def _flip(chance: random.Random) -> Fault:
    where = {"offset": chance.randrange(DISK_SIZE // 2), "mask": 1 << chance.randrange(8)}
    return Fault("flip", _count(chance), {**_disk(chance), **where})


def _pause(chance: random.Random) -> Fault:
    where = {"after_bytes": _at(chance), "seconds": chance.choice((0.1, 0.4))}
    return Fault("stall", _count(chance), {**_disk(chance), **where})


def _stall(chance: random.Random) -> Fault:
    """For ever. Not of an upload as short: its host has it all, and two minutes for its answer."""
    where = {"after_bytes": _at(chance), "seconds": None}
    return Fault("stall", _count(chance), {**_disk(chance), **where})


def _slow(chance: random.Random) -> Fault:
    rate = DISK_SIZE / chance.choice((0.1, 0.4))
    return Fault("bandwidth", _count(chance), {**_disk(chance), "bytes_per_second": rate})


def _crawl(chance: random.Random) -> Fault:
    """So slow that it counts as stalled."""
    return Fault("bandwidth", _count(chance), {**_disk(chance), "bytes_per_second": 500})


def _status(chance: random.Random) -> Fault:
    headers = chance.choice(({}, {}, {"Retry-After": "0"}, {"Retry-After": "86400"}))
    params = {**_disk(chance), "code": chance.choice(CODES), "headers": headers}
    return Fault("status", _count(chance), params)


def _page(chance: random.Random) -> Fault:
    return Fault(chance.choice(("html", "redirect")), _count(chance), _disk(chance))


def _empty(chance: random.Random) -> Fault:
    size = chance.choice((0, 1, 511, 512, 65536))
    return Fault("empty", _count(chance), {**_disk(chance), "size": size})


def _expire(chance: random.Random) -> Fault:
    return Fault("expire", 1, {**_disk(chance), "after_bytes": _at(chance)})


def _of_call(chance: random.Random, calls: list[str]) -> Fault:
    kind = chance.choice(("soap_fault", "soap_delay", "soap_status", "drop", "raw_reply"))
    params: dict[str, Any] = {"method": chance.choice(calls)}
    if kind == "soap_fault":
        params["fault"] = chance.choice(SOAP_FAULTS)
    if kind == "soap_delay":
        params["seconds"] = chance.choice((0.05, 0.5))
    else:
        params["after"] = chance.choice((False, True))
    if kind == "soap_status":
        params["code"] = chance.choice(CODES)
    if kind == "raw_reply":
        params["body"] = chance.choice(("", "<a/>", "<!DOCTYPE a>", "\0" * 9, "<a" * 5000))
    return Fault(kind, _count(chance), params)


def _wrong_manifest(chance: random.Random) -> Fault:
    wrong: dict[str, Any] = chance.choice(
        ({"missing": True}, {"sha1": "0" * 40}, {"size": DISK_SIZE - 9}, {"size": -1}, {"key": ""})
    )
    return Fault("manifest", _count(chance), {**_disk(chance), **wrong})


def _no_manifest(chance: random.Random) -> Fault:
    return Fault("no_manifest", _count(chance), {})


def _init_error(chance: random.Random) -> Fault:
    fault = chance.choice(("vmodl.fault.SystemError", "vim.fault.InvalidState"))
    return Fault("init_error", None, {"fault": fault, "message": "no"})


def _device(chance: random.Random) -> Fault:
    wrong: dict[str, Any] = chance.choice(
        (
            {"url": "http://127.0.0.1/nfc/x/disk.vmdk"},
            {"sslThumbprint": "00:" * 19 + "00"},
            {"sslThumbprint": "rubbish"},
            {"url": "ftp://[::1/"},
            {"fileSize": 77},
        )
    )
    return Fault("device_url", _count(chance), {**_disk(chance), **wrong})


def _target_id(chance: random.Random) -> Fault:
    value = chance.choice(("../../x", "/etc/x", "a\0b", "disk-1.vmdk", "CON", ""))
    return Fault("target_id", _count(chance), {**_disk(chance), "value": value})


def _certificate(chance: random.Random) -> Fault:
    return Fault("wrong_certificate", _count(chance), {})


Maker = Callable[[random.Random], Fault]
_BOTH: tuple[Maker, ...] = (_cut, _cut, _flip, _pause, _slow, _status, _page, _expire)
_DOWNLOADS: tuple[Maker, ...] = (*_BOTH, _empty, _stall, _crawl)
_UPLOADS = _BOTH
_OF_LEASES: tuple[Maker, ...] = (
    _wrong_manifest,
    _wrong_manifest,
    _no_manifest,
    _init_error,
    _device,
    _target_id,
    _certificate,
)
