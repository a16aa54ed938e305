"""H: a server that is hostile or broken, in what its hosts and their data say."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

from nfclease import (
    ChecksumMismatchError,
    DiskFormatError,
    InsecureUrlError,
    IntegrityError,
    LimitExceededError,
    ManifestError,
    NfcError,
    ProtocolError,
    SizeMismatchError,
    StallError,
    ThumbprintMismatchError,
    TruncatedError,
    UnexpectedRedirectError,
    UnsafePathError,
)

from ..harness.case import FACES, IMPORTS, LEASES, case
from ..harness.hosts import endlessly, fetched, host_before, nobodys_host, raw_host, saying
from ..harness.world import DISK, DISK_SIZE, World

MIDDLE = DISK_SIZE // 2
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-vnd.vmware-streamVmdk\r\n"


@case("H07", "a disk that is packed by gzip once more", "ProtocolError, not asked for again")
def packed(world: World) -> None:
    raw_host(world, saying(OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n", bytes(20)))
    with world.fails(ProtocolError, says="gzip"):
        world.job()


@case(
    "H09",
    "a disk of a length, of which the last tenth is missing behind a clean end",
    "TruncatedError inside, the disk again, and verified",
    faces=LEASES,
    stars=1,
)
def short(world: World) -> None:
    bodies: list[bytes] = []

    def talk(connection: ssl.SSLSocket, address: str) -> None:
        bodies[:] = bodies or [fetched(address)] * 2
        body, length = bodies.pop(), len(bodies[-1] if bodies else b"")
        connection.sendall(OK + f"Content-Length: {len(body)}\r\n\r\n".encode())
        connection.sendall(body[: len(body) * 9 // 10] if length else body)
        with contextlib.suppress(OSError):
            connection.unwrap()

    host = host_before(world, talk)
    [result] = world.job()
    world.expect(result.attempts == 2, "the disk was fetched twice")
    world.expect(host.asked == 2, "the host was asked twice")


@case("H10", "a chunked disk without its last chunk", "TruncatedError, in the body", stars=2)
def no_last_chunk(world: World) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=MIDDLE, how="clean")
    with world.fails(TruncatedError, attempts=2, phase="body"):
        world.job()
    world.expect(len(world.requests()) == 2, "the disk was asked for twice")


#: Where grains of the simulator's disks end.
AT_A_GRAIN = 65536 + 66048


@case(
    "H11",
    "a disk that ends at a grain and with its connection, all in order",
    "TruncatedError, for its end is not there",
    stars=2,
)
def ends_at_a_grain(world: World) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=AT_A_GRAIN, how="close_delimited")
    with world.fails(TruncatedError, attempts=2):
        world.job()


@case("H12", "the same, and TLS does not end in order", "TruncatedError")
def ends_without_notice(world: World) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=AT_A_GRAIN, how="fin")
    with world.fails(TruncatedError, attempts=2, phase="body"):
        world.job()


@case(
    "H13",
    "a bit of a disk is another, once or always",
    "the disk again, or ChecksumMismatchError after the second time",
    faces=FACES,
    variants={"once": 1, "always": None},
    stars=2,
)
def flipped(world: World, count: int | None) -> None:
    world.simulator.inject("flip", disk=DISK, offset=MIDDLE, mask=1, count=count)
    if count is None or world.face == "import_vapp":  # an upload is not begun again
        with world.fails(ChecksumMismatchError, attempts=1 if world.face == "import_vapp" else 2):
            world.job()
    else:
        world.job()
        world.expect(len(world.requests()) == 2, "the disk was asked for twice")


@case("H14", "a disk that does not end", "LimitExceededError, nothing kept")
def endless(world: World) -> None:
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    head = b"KDMV\x03\0\0\0\x01\0\x03\0" + (1 << 30).to_bytes(8, "little")
    first = OK + b"Transfer-Encoding: chunked\r\n\r\n200\r\n" + head.ljust(512, b"\0") + b"\r\n"
    raw_host(world, endlessly(first, chunk))
    with world.fails(LimitExceededError):
        world.job(max_unannounced_size=8 << 20, verify_format=False)


FRAMINGS = {
    "both": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nKDMV!\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nKDMV!!",
    "negative": b"Content-Length: -1\r\n\r\nKDMV!",
    "too large": b"Content-Length: 99999999999999999999\r\n\r\nKDMV!",
}


@case("H15", "a body whose length is said wrongly", "ProtocolError", variants=FRAMINGS)
def framing(world: World, framing: bytes) -> None:
    raw_host(world, saying(OK + framing))
    with world.fails(ProtocolError, attempts=1):
        world.job()


@case(
    "H16",
    "a page of HTML in the place of a disk",
    "DiskFormatError at its first bytes, not asked for again",
)
def page(world: World) -> None:
    world.simulator.inject("html", disk=DISK)
    with world.fails(DiskFormatError, attempts=1):
        world.job()
    world.expect(len(world.requests()) == 1, "the disk was asked for once")


HEADERS = {
    "many": b"".join(b"X-%d: 1\r\n" % number for number in range(10_000)),
    "long": b"X-Long: " + b"a" * (1 << 20) + b"\r\n",
}


@case("H17", "10,000 header lines, or one of 1 MiB", "ProtocolError", variants=HEADERS)
def headers(world: World, lines: bytes) -> None:
    raw_host(world, saying(OK + lines + b"Content-Length: 4\r\n\r\nKDMV"))
    with world.fails(ProtocolError, attempts=1):
        world.job()


@case("H18", "an answer that is early hints without an end", "StallError")
def hints(world: World) -> None:
    raw_host(world, endlessly(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.05))
    with world.fails(StallError, attempts=1):
        world.job(max_retries=0)


@case(
    "H19",
    "a disk of some bytes a second",
    "StallError after the timeout, with the lease alive until then",
    stars=2,
    options={"lease_timeout": 4.0},
)
def slow_loris(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=64)
    with world.fails(StallError, attempts=1):
        world.job(max_retries=0, timeout=6.0)
    world.expect(world.simulator.calls("HttpNfcLeaseProgress"), "the lease was renewed meanwhile")


REDIRECTS: dict[str, dict[str, Any]] = {
    "another host": {"code": 302, "port": 9},
    "plain http": {"code": 302, "scheme": "http"},
    "itself": {"code": 302, "itself": True},
    "again": {"code": 307},
}


@case(
    "H20",
    "a redirect to another host, to http, to itself, and 307",
    "UnexpectedRedirectError, and the other host is not asked",
    faces=FACES,
    variants=REDIRECTS,
)
def redirected(world: World, how: dict[str, Any]) -> None:
    elsewhere = nobodys_host(world)
    place = f"{how.get('scheme', 'https')}://127.0.0.1:{elsewhere.port}/stolen/{'x' * 20}"
    world.secrets["x" * 20] = "the target of a redirect"
    params: dict[str, Any] = {} if how.get("itself") else {"location": place}
    world.simulator.inject("redirect", disk=DISK, code=how["code"], **params)
    with world.fails(UnexpectedRedirectError, status=how["code"], attempts=1):
        world.job()
    world.expect(elsewhere.asked == 0, "nobody asked the other host")
    world.expect(len(world.requests()) == 1, "the disk was asked for once")


@case(
    "H21",
    "a host shows another certificate than the lease's thumbprint names",
    "ThumbprintMismatchError, nothing sent, not tried again",
    faces=FACES,
    stars=2,
)
def impostor(world: World) -> None:
    world.simulator.inject("wrong_certificate", listener="host")
    with world.fails(
        ThumbprintMismatchError,
        attempts=1,
        expected=(world.simulator.disk_thumbprint_sha1 or "").replace(":", "").lower(),
    ):
        world.job()
    world.expect(world.requests() == [], "no request came through")


THUMBPRINTS = {
    "lower": lambda text: text.lower(),
    "no colons": lambda text: text.replace(":", ""),
    "garbage": lambda text: "no thumbprint",
    "short": lambda text: text[:20],
}


@case(
    "H23",
    "a thumbprint in another form, and what is none",
    "the forms are the same thumbprint; what is none is a ProtocolError",
    variants=THUMBPRINTS,
)
def thumbprints(world: World, form: Any) -> None:
    shown = world.simulator.disk_thumbprint_sha1
    world.simulator.inject("device_url", disk=DISK, sslThumbprint=form(shown))
    if form(shown) in (shown, str(shown).lower(), str(shown).replace(":", "")):
        world.job()
    else:
        with world.fails(ProtocolError):
            world.job()
        world.expect(world.requests() == [], "no request came through")


@case("H24", "a device at http", "InsecureUrlError before a connection", faces=FACES, stars=1)
def insecure(world: World) -> None:
    world.simulator.inject("http_url", disk=DISK)
    with world.fails(InsecureUrlError):
        world.job()
    world.expect(world.requests() == [], "no request was made")


@case("H25", "the host of the disks is not vCenter", "it gets no cookie", faces=FACES, stars=2)
def no_cookie(world: World) -> None:
    world.job()
    requests = world.requests()
    cookie = next(text for text, kind in world.secrets.items() if "cookie" in kind)
    names = {name.lower() for each in requests for name in each["headers"]}
    sent = {"cookie", "authorization", "vmware-api-session-id"} & names
    world.expect(not sent, f"no header of a session, as {sent} is")
    world.expect(cookie not in str(requests), "the cookie is nowhere in a request")
    world.expect({each["listener"] for each in requests} == {"host"}, "all went to the host")


TARGETS = {
    "above": "../../x",
    "absolute": "/etc/x",
    "backslashes": "..\\x",
    "reserved": "CON",
    "long": "x" * 5000,
    "hidden": "..",
    "newline": "a\nb",
}


@case(
    "H26",
    "a device whose file name leads elsewhere",
    "UnsafePathError, no byte asked for, nothing outside of the directory",
    faces=("asyncio", "export_vm"),
    variants={name: name for name in (*TARGETS, "twice", "twice but for case")},
    stars=2,
)
def unsafe_names(world: World, name: str) -> None:
    if name in TARGETS:
        world.simulator.inject("target_id", disk=DISK, value=TARGETS[name])
    else:
        world.vm = world.named("two")
        values = ("x.vmdk", "x.vmdk") if name == "twice" else ("X.vmdk", "x.vmdk")
        for disk, value in zip(("disk-0", "disk-1"), values, strict=True):
            world.simulator.inject("target_id", disk=disk, value=value)
    with world.fails(UnsafePathError):
        world.job()
    world.expect(world.requests() == [], "no byte was asked for")


ITEM_PATHS = {"absolute": "/etc/passwd", "above": "../secret"}


@case(
    "H27",
    "the server asks an import for a file outside of the package",
    "a ProtocolError before a lease is opened, and no byte of it is sent",
    faces=IMPORTS,
    variants=ITEM_PATHS,
    stars=2,
)
def asks_for_any_file(world: World, path: str) -> None:
    world.simulator.inject("file_item_path", value=path)
    with world.fails(ProtocolError, says="lists no such file", ends=()):
        world.job()
    world.expect(world.requests() == [], "nothing was sent")


MANIFESTS: dict[str, tuple[dict[str, Any], type[NfcError]]] = {
    "missing": ({"missing": True}, ManifestError),
    "size": ({"size": 1}, SizeMismatchError),
    "another": ({"sha1": "0" * 40}, ChecksumMismatchError),
    "negative": ({"size": -5, "sha1": "", "checksum": ""}, ManifestError),
}


@case(
    "H30",
    "a manifest of the server without the disk, or with another size or checksum",
    "an IntegrityError",
    variants=MANIFESTS,
)
def server_manifest(world: World, how: tuple[dict[str, Any], type[NfcError]]) -> None:
    edits, kind = how
    world.simulator.inject("manifest", disk=DISK, **edits)
    assert issubclass(kind, IntegrityError)
    with world.fails(kind):
        world.job(require_manifest=True)
