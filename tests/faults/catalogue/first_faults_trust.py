"""U16 to U19: whom to believe, and what is shown. The numbers are those of the first report."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from http.client import HTTPException
from typing import Any

from nfclease import (
    AsyncHttpNfcLease,
    HttpNfcLease,
    HttpStatusError,
    NfcError,
    ProtocolError,
    ThumbprintMismatchError,
    TlsError,
    UnexpectedRedirectError,
    UnsafePathError,
)

from ...support.certificates import NAMES, Certificate, authority, issue, version_1
from ...support.server_text import FORGED
from ...support.tls_host import showing, stub_for
from ..harness.case import EXPORTS, LEASES, case
from ..harness.hosts import raw_host, saying
from ..harness.world import DISK, World

BLOCKING = LEASES[:1]
_ROOT, _OTHER = authority("root"), authority("other")
_LEAF = issue("leaf", names=NAMES)
_EXPIRED = issue("expired", names=NAMES, days=(-30, -1))
_UNKNOWN = issue("of nobody", _OTHER, names=NAMES)


def _ask(world: World, stub: Any, error: type[NfcError] | None) -> None:
    """One call; a host that is believed answers 404, of which pyvmomi makes this exception."""
    lease = HttpNfcLease("lease-1", stub, keep_alive=False)
    try:
        lease.HttpNfcLeaseProgress(1)
    except HTTPException as seen:
        world.expect(error is None and "404" in str(seen), f"it was believed: {seen}")
    except NfcError as seen:
        world.texts.append(str(seen))
        world.expect(type(seen) is error, f"it was refused by {type(seen).__name__}: {seen}")
    finally:
        lease.close()


def _trusting(*certificates: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if certificates:
        context.load_verify_locations(cadata="".join(each.pem for each in certificates))
    return context


#: What the context has, who answers, and whether Python's TLS believes that.
CONTEXTS: dict[str, tuple[tuple[Certificate, ...], Certificate, bool]] = {
    "a leaf alone, itself": ((_LEAF,), _LEAF, True),
    "a leaf alone, another": ((_LEAF,), issue("x", _ROOT, names=NAMES), False),
    "nothing": ((), _LEAF, False),
    "an expired leaf": ((_EXPIRED,), _EXPIRED, False),
    "a leaf of an unknown issuer": ((_UNKNOWN,), _UNKNOWN, False),
}


@case(
    "U16",
    "a session's context whose CA file has one leaf, or nothing, or what has expired",
    "whom Python's TLS refuses is refused, before a byte of a call; the other is believed",
    faces=BLOCKING,
    variants=CONTEXTS,
)
def contexts(world: World, how: tuple[tuple[Certificate, ...], Certificate, bool]) -> None:
    trusted, shown, believed = how
    with showing(shown) as host:
        _ask(world, stub_for(host, _trusting(*trusted)), None if believed else TlsError)
        world.expect((host.asked > 0) == believed, f"{host.asked} calls came")


ODD = {
    "version 1": version_1("esx"),
    "no names": issue("esx"),
    "expired": _EXPIRED,
    "of an unknown issuer": _UNKNOWN,
}


@case(
    "U17",
    "a pinned server shows a certificate of version 1, without names, or that has expired",
    "the pin decides alone: it is believed, and with another pin it is not",
    faces=BLOCKING,
    variants=ODD,
)
def pinned(world: World, shown: Certificate) -> None:
    for certificate, error in ((shown, None), (_LEAF, ThumbprintMismatchError)):
        with showing(shown) as host:
            pin = hashlib.sha1(certificate.der, usedforsecurity=False).hexdigest()
            stub = stub_for(host, ssl._create_unverified_context(), thumbprint=pin)
            _ask(world, stub, error)
            world.expect((host.asked > 0) == (error is None), f"{host.asked} calls came")


LOGIN = "https://somebody:word-of-a-redirect@elsewhere.example.com/x"


@case(
    "U18",
    "a redirect has a login in its address; a page of an error repeats the ticket, on each attempt",
    "the error, and the record of the retry, without either",
    faces=EXPORTS,
    variants={"redirect": LOGIN, "page": None},
)
def secrets_said(world: World, location: str | None) -> None:
    if location is not None:
        world.secrets["word-of-a-redirect"] = "the login of a redirect"
        world.simulator.inject("redirect", disk=DISK, location=location)
        with world.fails(UnexpectedRedirectError):
            world.job()
        return
    page = f"<p>/nfc/{'5' * 36}/disk-0.vmdk is not there now</p>".encode()
    head = b"HTTP/1.1 503 Busy\r\nContent-Length: %d\r\n\r\n" % len(page)
    host = raw_host(world, saying(head, page))
    with world.fails(HttpStatusError, status=503):
        world.job()
    world.expect(host.asked == 2, "it was asked twice, so that there is a record of it")


@case(
    "U19",
    "a name of 1 MB, or a thumbprint that is rubbish, with escapes of a terminal",
    "an error that is one short line, and names device and host",
    faces=("asyncio",),
    variants={
        "name": {"targetId": FORGED * 15_000},
        "thumbprint": {"sslThumbprint": FORGED * 1000},
    },
)
def rubbish(world: World, fields: dict[str, str]) -> None:
    world.simulator.inject("device_url", disk=DISK, fields=fields)
    is_name = "targetId" in fields
    with world.fails(UnsafePathError if is_name else ProtocolError, says="" if is_name else DISK):
        asyncio.run(_download(world))
    world.expect(not world.requests(), "no byte was asked for")


async def _download(world: World) -> None:
    async with AsyncHttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        await lease.wait_ready(10)
        await lease.download_all(world.target)
