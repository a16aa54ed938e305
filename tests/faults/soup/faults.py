"""What can go wrong at the server: each kind of fault of the simulator, as chance makes it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: About how many bytes each of the three disks has.
DISK_SIZE = 256 << 10
DISKS = ("disk-0", "disk-1", "disk-2")
#: Calls that a lease makes.
LEASE_CALLS = (
    "HttpNfcLeaseProgress",
    "HttpNfcLeaseGetManifest",
    "HttpNfcLeaseComplete",
    "HttpNfcLeaseAbort",
)
#: How a lease is read.
READS = ("Fetch", "RetrievePropertiesEx")
#: Those of an export and of an import besides.
EXPORT_CALLS = ("ExportVm", "ExportSnapshot", "CreateDescriptor", *READS)
SNAPSHOT_CALLS = ("CreateSnapshot_Task", "RemoveSnapshot_Task")
IMPORT_CALLS = ("ImportVApp", "CreateImportSpec", *READS)
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
        return f"{self.kind} {often} {self.params}"[:200]

    @property
    def method(self) -> str:
        """The call that it is about; empty for a fault of the data."""
        return str(self.params.get("method", ""))


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
    if chance.random() < 0.5:
        return Fault("html", _count(chance), _disk(chance))
    elsewhere: tuple[dict[str, Any], ...] = (
        {},
        {"location": "http://127.0.0.1:9/x"},
        {"location": "https://localhost:9/x"},
    )
    params = {**_disk(chance), **chance.choice(elsewhere), "code": chance.choice((301, 302, 307))}
    return Fault("redirect", _count(chance), params)


def _late_page(chance: random.Random) -> Fault:
    """When the whole upload was read."""
    return Fault("html", _count(chance), {**_disk(chance), "after": True})


def _empty(chance: random.Random) -> Fault:
    size = chance.choice((0, 1, 511, 512, 65536))
    return Fault("empty", _count(chance), {**_disk(chance), "size": size})


def _expire(chance: random.Random) -> Fault:
    return Fault("expire", 1, {**_disk(chance), "after_bytes": _at(chance)})


def of_call(chance: random.Random, calls: list[str]) -> Fault:
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
    params["skip"] = chance.choice((0, 0, 0, 1, 2))  # the first of them go well
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


def _http_url(chance: random.Random) -> Fault:
    return Fault("http_url", None, _disk(chance))


def init_forever(chance: random.Random) -> Fault:
    """A lease that does not get ready."""
    return Fault("init_forever", None, {})


def odd_export(chance: random.Random) -> Fault:
    """What the server says of the descriptor that it makes."""
    return _of_ovf(chance, "CreateDescriptor")


def odd_import(chance: random.Random) -> Fault:
    """What it says of the one that it gets."""
    return _of_ovf(chance, "CreateImportSpec")


def _of_ovf(chance: random.Random, method: str) -> Fault:
    kind = chance.choice(("ovf_error", "ovf_warning"))
    return Fault(kind, None, {"method": method, "message": "odd"})


def file_item_path(chance: random.Random) -> Fault:
    """The server asks for another file than the package has."""
    value = chance.choice(("../../x", "/etc/passwd", "a\0b", ""))
    return Fault("file_item_path", None, {"value": value})


def task(chance: random.Random) -> Fault:
    """Of a snapshot, which is not taken or not removed, or late."""
    method = chance.choice(SNAPSHOT_CALLS)
    if chance.random() < 0.5:
        return Fault("task_delay", 1, {"method": method, "seconds": 0.4})
    return Fault("task_error", 1, {"method": method})


def _certificate(chance: random.Random) -> Fault:
    return Fault("wrong_certificate", _count(chance), {})


Maker = Callable[[random.Random], Fault]
_BOTH: tuple[Maker, ...] = (_cut, _cut, _flip, _pause, _slow, _status, _page, _expire)
DOWNLOADS: tuple[Maker, ...] = (*_BOTH, _empty, _stall, _crawl)
UPLOADS: tuple[Maker, ...] = (*_BOTH, _late_page)
OF_LEASES: tuple[Maker, ...] = (
    _wrong_manifest,
    _wrong_manifest,
    _no_manifest,
    _init_error,
    _device,
    _target_id,
    _http_url,
    _certificate,
)
