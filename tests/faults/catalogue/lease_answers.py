"""E: answers about a lease that are lost, odd, or of a vCenter that has forgotten it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from nfclease import (
    AmbiguousLeaseError,
    AsyncHttpNfcLease,
    HttpNfcLease,
    LeaseInitError,
    LeaseLostError,
    ProtocolError,
    SessionExpiredError,
)
from nfclease.inventory import cancel_task, lease_tasks
from nfclease.simulator import Simulator

from ..harness.case import FACES, LEASES, case
from ..harness.vcenter import VcenterFront
from ..harness.world import DISK, DISK_SIZE, World

MIDDLE = DISK_SIZE // 2
#: A lease that has to be renewed often.
SHORT = {"lease_timeout": 4.0}

#: What opens the lease of a whole job. A lease's own faces get one that the script has opened.
OPENS = {"export_vm": "ExportVm", "import_vapp": "ImportVApp", "fleet": "ExportVm"}

LOST: dict[str, dict[str, Any]] = {
    "dropped": {"kind": "drop", "after": True},
    "503 of a front": {"kind": "soap_status", "code": 503, "after": True},
    "half an answer": {"kind": "raw_reply", "body": "<?xml version='1.0'?><Env", "after": True},
    "never came": {"kind": "drop"},
}


@case(
    "E12",
    "the answer to ExportVm or ImportVApp is lost",
    "AmbiguousLeaseError, sent once; the message names the task that holds the VM, and with that "
    "task the lease ends; where the call never came, it says that there is none",
    faces=tuple(OPENS),
    variants=LOST,
)
def opening_is_lost(world: World, how: dict[str, Any]) -> None:
    params, method = dict(how), OPENS[world.face]
    kind, held = params.pop("kind"), params.get("after", False)
    world.simulator.inject(kind, method=method, **params)
    says = rf"(?i)not sent again.*{method}.*cancel its task" if held else "shows none: try again"
    with world.fails(AmbiguousLeaseError, says=says, ends=()):
        world.job()
    world.expect(len(world.simulator.calls(method)) == 1, "it was sent once")
    found = lease_tasks(world.service)
    world.expect(len(found) == held, f"{int(held)} leases are held")
    told = " ".join(world.texts)
    world.expect(all(each.key in told for each in found), "its task is named")
    world.expect(all(cancel_task(each, 10) for each in found), "its task can be cancelled")


def _front(world: World, edited: Callable[[bytes], bytes] = lambda content: content) -> Any:
    """A front that answers nothing itself."""
    return VcenterFront(world, "NoSuchMethod", lambda handler: None, edited)


def _starts_anew(world: World, other: Simulator) -> None:
    """Another server answers from the second Progress on, when the disk has long begun."""
    renewed = []

    def edited(content: bytes) -> bytes:
        renewed.extend(re.findall(rb"HttpNfcLeaseProgressResponse\b", content)[:1])
        if len(renewed) > 1:
            front.behind = other
        return content

    front = _front(world, edited)


@case(
    "E13",
    "vCenter starts again in the middle of a disk, and knows none of its objects",
    "LeaseLostError (of the session, where that is gone, too), and nothing is kept; the server has "
    "nothing that could be aborted",
    faces=FACES,
    variants={"session and objects": True, "objects": False},
    options=SHORT,
)
def starts_again(world: World, session_too: bool) -> None:
    world.simulator.inject("stall", disk=DISK, after_bytes=MIDDLE)
    if session_too:
        world.stack.enter_context(other := Simulator(disks=0))
        _starts_anew(world, other)
    else:
        fault = "vmodl.fault.ManagedObjectNotFound"
        for method in ("HttpNfcLeaseProgress", "HttpNfcLeaseGetManifest", "HttpNfcLeaseAbort"):
            world.simulator.inject("soap_fault", method=method, fault=fault)
    kind = SessionExpiredError if session_too else LeaseLostError
    with world.fails(kind, ends=()):
        world.job(timeout=60.0)
    world.held = 1  # of the host, until the lease's time is over
    world.vms_left = 1


_DEVICE = re.compile(rb"<deviceUrl\b.*?</deviceUrl>", re.S)


def _many(content: bytes) -> bytes:
    """A thousand devices in the place of one, which is the last; each has a key of its own."""

    def more(found: re.Match[bytes]) -> bytes:
        names = (b"<key>%d-" % number for number in range(999))
        return b"".join(found[0].replace(b"<key>", name, 1) for name in names) + found[0]

    return _DEVICE.sub(more, content)


def _twice(content: bytes) -> bytes:
    """A second device of the same key, to another name."""
    return _DEVICE.sub(lambda one: one[0] + one[0].replace(b"Id>disk-0", b"Id>disk-1"), content)


def _without_info(content: bytes) -> bytes:
    return re.sub(rb"<propSet><name>info</name>.*?</propSet>", b"", content, flags=re.S)


DEVICES: dict[str, tuple[Callable[[bytes], bytes], type[Exception] | None, int]] = {
    "none": (lambda content: _DEVICE.sub(b"", content), None, 0),
    "1,000": (_many, None, 1000),
    "disk null": (lambda content: re.sub(rb"<disk>.*?</disk>", b"", content), None, 1),
    "twice": (_twice, ProtocolError, 2),
    "no info": (_without_info, LeaseInitError, 0),
}


@case(
    "E15",
    "a lease without a device, with 1,000, without `disk`, with keys twice, or ready without info",
    "the first three work; keys twice are a ProtocolError; without info it never gets ready",
    faces=LEASES,
    variants=DEVICES,
)
def odd_devices(
    world: World, how: tuple[Callable[[bytes], bytes], type[Exception] | None, int]
) -> None:
    edited, kind, count = how
    _front(world, edited)
    if kind is not None:
        with world.fails(kind):
            _moved(world, count)
        return
    verified = _moved(world, count)
    world.wanted.append(("Complete",))
    world.expect(verified == ["manifest"][:count], f"what there is was moved: {verified}")


def _moved(world: World, count: int) -> list[str]:
    """Moves the last device, or each of two, and says how far they were verified."""
    target = world.target / "disk-0.vmdk"
    if world.face == "blocking":
        with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
            devices = lease.wait_ready(2).deviceUrl
            world.expect(len(devices) == count, f"{len(devices)} devices, not {count}")
            if count == 2:
                return [each.verified for each in lease.download_all(target.parent / "both")]
            return [lease.download(each, target, overwrite=True).verified for each in devices[-1:]]

    async def download() -> list[str]:
        async with AsyncHttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
            devices = (await lease.wait_ready(2)).deviceUrl
            if count == 2:
                return [each.verified for each in await lease.download_all(target.parent / "both")]
            return [(await lease.download(each, target)).verified for each in devices[-1:]]

    return asyncio.run(download())


def needs_ipv6() -> str:
    """Why there is no IPv6 here; empty where there is."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return f"no IPv6 loopback: {error}"
    return ""


STARS = {"*": "*", "* with a port": "*:{port}", "literal": "{host}:{port}"}


@case(
    "E16",
    "addresses with * for the host, with a port or not, and a vCenter of an IPv6 address",
    "the data comes from the session's host, verified",
    faces=LEASES,
    variants=STARS,
    needs=needs_ipv6,
    options={"host": "::1", "disk_host": "::1", "esx": True},
)
def stars_of_ipv6(world: World, place: str) -> None:
    _from_star(world, place.format(host="[::1]", port=world.simulator.port))


@case(
    "E21",
    "addresses with * for the host, with a port or not, of a host of IPv4",
    "the data comes from the session's host, verified",
    faces=LEASES,
    variants=STARS,
    options={"esx": True},
)
def stars(world: World, place: str) -> None:
    _from_star(world, place.format(host="127.0.0.1", port=world.simulator.port))


def _from_star(world: World, place: str) -> None:
    def moved(device: Any) -> Any:
        device.url = urlsplit(device.url)._replace(netloc=place).geturl()
        return device

    world.moved = moved
    world.job()
    seen = {request["listener"] for request in world.requests()}
    world.expect(seen == {"vcenter"}, f"the session's own host was asked, not {seen}")


@case(
    "E22",
    "a lease that says a leaseTimeout of 0, -1 or 2^31 s",
    "0 and less are taken for 60 s, 2^31 for what it says, and the lease is renewed in time",
    faces=FACES,
    variants={text: text for text in ("0", "-1", "2147483648")},
)
def no_timeout(world: World, text: str) -> None:
    pattern, said = rb"(<leaseTimeout>)\d+(<)", rb"\g<1>%s\g<2>" % text.encode()
    _front(world, lambda content: re.sub(pattern, said, content))
    world.job()
    world.expect(world.simulator.calls("HttpNfcLeaseProgress"), "it was renewed")
