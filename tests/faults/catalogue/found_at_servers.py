"""What the first use of nfclease found wrong with what servers say, where no other case has it."""

from __future__ import annotations

from typing import Any

from nfclease import (
    DiskFormatError,
    HttpNfcLease,
    HttpStatusError,
    LeaseCompleteError,
    LimitExceededError,
    NfcError,
    ProtocolError,
    UnsafePathError,
)

from ...support.packages import package, stream_disk, written
from ...support.server_text import FORGED
from ..harness.case import EXPORTS, IMPORTS, LEASES, case
from ..harness.hosts import raw_host, saying
from ..harness.world import DISK, DISK_SIZE, World

BLOCKING = LEASES[:1]


@case(
    "H41",
    "a host asks to be left alone for a second, and then for 2^64-1",
    "HttpStatusError and an Abort, and no panic of a number",
    faces=EXPORTS,
)
def left_alone_for_ever(world: World) -> None:
    again = {"Retry-After": "18446744073709551615"}
    world.simulator.inject("status", disk=DISK, code=503, headers=again)
    with world.fails(HttpStatusError, status=503):
        world.job()


@case(
    "H42",
    "the lease names a size of 2^63-1 for its disk, or a thumbprint that is none",
    "the size of a disk is only told, and says nothing then; the other is an error of ours",
    faces=BLOCKING,
    variants={"size": {"fileSize": 2**63 - 1}, "thumbprint": {"sslThumbprint": "abcd"}},
)
def numbers_of_the_server(world: World, fields: dict[str, Any]) -> None:
    world.simulator.inject("device_url", disk=DISK, **fields)
    if "fileSize" in fields:
        world.job()
        return
    with world.fails(ProtocolError, says="thumbprint"):
        world.job()


@case(
    "H43",
    "a page with the status of success answers an upload",
    "an error of ours, and the VM is gone",
    faces=IMPORTS,
    variants={"before it was read": False, "after": True},
)
def page_for_an_upload(world: World, after: bool) -> None:
    world.simulator.inject("html", disk="", method="POST", after=after)
    with world.refuses(NfcError, ends=("Abort",)):
        world.job()


@case(
    "H44",
    "half of a disk is to be imported, or a page under the name of one",
    "DiskFormatError before a lease is opened",
    faces=IMPORTS,
    variants={"half": stream_disk(100)[:-30_000], "a page": b"<html>" * 1000},
)
def half_a_disk(world: World, disk: bytes) -> None:
    world.package = written(world.folder / "package", package({"disk.vmdk": disk}))
    with world.fails(DiskFormatError, says=r"disk\.vmdk", ends=()):
        world.job()
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")


@case(
    "H45",
    "an error page repeats the address, with its ticket, and the cookie",
    "HttpStatusError without either",
    faces=EXPORTS,
)
def page_with_secrets(world: World) -> None:
    ticket = "5" * 36  # of the address that raw_host gives
    page = f"The requested URL /nfc/{ticket}/disk-0.vmdk was not found".encode()
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(page)
    raw_host(world, saying(head, page))
    with world.fails(HttpStatusError, status=404):
        world.job()


@case(
    "H46",
    "the text of a fault has line ends, escapes of a terminal and 300,000 characters",
    "it is one line of an error and of the log, escaped and cut",
    faces=BLOCKING,
)
def text_of_a_fault(world: World) -> None:
    world.simulator.inject("soap_fault", method="HttpNfcLeaseComplete", message=FORGED * 10_000)
    with world.fails(LeaseCompleteError, ends=("Complete", "Abort")):
        world.job()
    _kept(world)


def _kept(world: World) -> None:
    """What was verified before Complete stays; how often that is sent is another case's claim."""
    world.failed = False
    calls = [call["method"].removeprefix("HttpNfcLease") for call in world.simulator.calls()]
    world.wanted = [tuple(name for name in calls if name in ("Complete", "Abort"))]


@case(
    "H47",
    "a device whose file has a name that Windows reserves",
    "UnsafePathError, and no byte is asked for",
    faces=("asyncio",),
    variants={name: name for name in ("COM¹", "LPT³.txt", "CONIN$", "conout$.vmdk")},
)
def reserved_names(world: World, name: str) -> None:
    world.simulator.inject("target_id", disk=DISK, value=name)
    with world.fails(UnsafePathError):
        world.job()
    world.expect(not world.requests(), "no byte was asked for")


@case(
    "L41",
    "a file whose size the lease does not say goes on and on",
    "LimitExceededError at max_unannounced_size, and nothing is kept",
    faces=BLOCKING,
)
def no_size_named(world: World) -> None:
    world.simulator.inject("device_url", disk=DISK, fields={"disk": False})
    most = DISK_SIZE // 2
    with (
        world.fails(LimitExceededError),
        HttpNfcLease(world.vm.ExportVm(), max_unannounced_size=most) as lease,
    ):
        [device] = lease.wait_ready(10).deviceUrl
        lease.download(device, world.target / "new.vmdk")


@case(
    "E45",
    "Complete is refused with a fault that this pyvmomi does not know, or with one that is broken",
    "LeaseCompleteError, and an Abort",
    faces=BLOCKING,
    variants={"unknown": "NoSuchFaultOfANewerServer", "control character": "Timed\x01out"},
)
def unknown_fault(world: World, name: str) -> None:
    fault = (
        '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv='
        '"http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi='
        '"http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>'
        "ServerFaultCode</faultcode><faultstring>no</faultstring><detail><X xmlns="
        f'"urn:vim25" xsi:type="{name}"/></detail></soapenv:Fault></soapenv:Body>'
        "</soapenv:Envelope>"
    )
    world.simulator.inject("raw_reply", method="HttpNfcLeaseComplete", body=fault, code=500)
    with world.fails(LeaseCompleteError, ends=("Complete", "Abort")):
        world.job()
    _kept(world)
