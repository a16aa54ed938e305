"""H: what a hostile vCenter answers to a call."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from nfclease import HttpNfcLease, LimitExceededError, NfcError, ProtocolError

from ...support.fuzz_corpus import corpus
from ...support.leases import disk_of
from ..harness.case import EXPORTS, LEASES, case
from ..harness.vcenter import VcenterFront
from ..harness.world import World

CALL = "HttpNfcLeaseGetManifest"
ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    "<soapenv:Body><HttpNfcLeaseGetManifestResponse xmlns='urn:vim25'>{}"
    "</HttpNfcLeaseGetManifestResponse></soapenv:Body></soapenv:Envelope>"
)
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


def _replies(world: World, body: str) -> None:
    world.simulator.inject("raw_reply", method=CALL, body=body)


@case("H01", "an answer with a DOCTYPE of a billion laughs", "ProtocolError, no memory for it")
def laughs(world: World) -> None:
    _replies(world, LAUGHS + ENVELOPE.format("<returnval><key>&a9;</key></returnval>"))
    with world.fails(ProtocolError):
        world.job()


@case("H02", "an answer with an entity that is a local file", "ProtocolError, and it is not read")
def entity(world: World) -> None:
    world.secrets["precious-content"] = "a local file"
    (world.folder / "local").write_text("precious-content")
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{world.folder}/local">]>'
    _replies(world, doctype + ENVELOPE.format("<returnval><key>&e;</key></returnval>"))
    with world.fails(ProtocolError):
        world.job()


@case("H03", "an answer of a million elements, one in the other", "LimitExceededError of depth")
def deep(world: World) -> None:
    _replies(world, ENVELOPE.format("<a>" * 1_000_000))
    with world.fails(LimitExceededError, says="depth", limit="depth"):
        world.job()


TAGS: dict[str, str] = {
    "attributes": "<returnval {}/>".format(" ".join(f'a{n}="1"' for n in range(800_000))),
    "namespaces": "<returnval {}/>".format(" ".join(f'xmlns:a{n}="u"' for n in range(800_000))),
}


@case(
    "H04",
    "an answer whose one tag has 800,000 attributes, or namespaces",
    "LimitExceededError, and a lease beside it is renewed as before",
    faces=LEASES,
    variants=TAGS,
    stars=1,
)
def wide(world: World, tag: str) -> None:
    beside = world.named("two").ExportVm()
    _replies(world, ENVELOPE.format(tag))
    with HttpNfcLease(beside, keep_alive_interval=0.3) as lease:
        lease.wait_ready(10)
        with world.fails(LimitExceededError):
            world.job()
        time.sleep(1.0)
        calls = world.simulator.calls("HttpNfcLeaseProgress", lease._moId)
    times = [call["t"] for call in calls]
    longest = max((late - early for early, late in itertools.pairwise(times)), default=99.0)
    world.expect(longest < 2.5, f"renewed every 0.3 s, and never after {longest:.1f} s")
    world.wanted.append(("Complete",))


def _declared(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(2 << 30))
    handler.end_headers()
    with contextlib.suppress(OSError):
        handler.connection.recv(1)


def _endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")


def _packed(handler: BaseHTTPRequestHandler) -> None:
    body = gzip.compress(bytes(64 << 20))
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _front(world: World, answer: Callable[[BaseHTTPRequestHandler], object]) -> None:
    VcenterFront(world, CALL, answer)


@case(
    "H05", "an answer that says it has 2 GiB", "LimitExceededError before it is read", faces=EXPORTS
)
def declared(world: World) -> None:
    _front(world, _declared)
    with world.fails(LimitExceededError):
        world.job()


@case("H06", "an answer in chunks that does not end", "LimitExceededError", faces=EXPORTS)
def endless(world: World) -> None:
    _front(world, _endless)
    with world.fails(LimitExceededError):
        world.job()


@case("H31", "an answer that is packed by gzip", "ProtocolError, and it is not unpacked")
def packed(world: World) -> None:
    _front(world, _packed)
    with world.fails(ProtocolError, says="gzip"):
        world.job()


@case(
    "H08",
    "keys of a manifest with references and CDATA, in segments of a byte",
    "they are read exactly, so that the disk is verified",
    faces=LEASES,
)
def references(world: World) -> None:
    bodies: list[bytes] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(bodies[0])))
        handler.end_headers()
        for byte in bodies[0]:
            handler.wfile.write(bytes([byte]))

    _front(world, answer)
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        disk = disk_of(lease)
        key = disk.key.replace("/", "&#47;", 1).replace("S", "<![CDATA[S]]>").replace(":", "&#x3A;")
        entry = f"<key>{key}</key><sha1>{'0' * 40}</sha1><size>1</size><disk>true</disk>"
        bodies.append(ENVELOPE.format(f"<returnval>{entry}</returnval>").encode())
        failed: list[NfcError] = []
        try:
            lease.download(disk, world.target / "disk-0.vmdk", overwrite=True)
        except NfcError as error:
            failed.append(error)
        said = [getattr(error, "expected", None) for error in failed]
        # It has an entry with this key; another sum or size is what it is refused for.
        world.expect(said in ([1], ["0" * 40]), f"its entry was found: {failed}")
        failed.clear()
        lease.Abort()
    world.wanted.append(("Abort",))
    world.failed = True


@case(
    "F01",
    "answers of the fuzzers' corpus, and such with bytes changed by chance",
    "an error of ours, or none; no panic",
    faces=LEASES[:1],
    stars=1,
    deadline=60.0,
)
def fuzzed(world: World) -> None:
    bodies = corpus("answer")
    bodies = world.random.sample(bodies, min(len(bodies), 30))
    bodies += [_mutated(world, body) for body in bodies if body]
    for body in bodies:
        fault = world.simulator.inject("raw_reply", method=CALL, body=body.decode("latin-1"))
        try:
            with HttpNfcLease(world.vm.ExportVm(), max_retries=0) as lease:
                lease.download(disk_of(lease), world.target / "disk-0.vmdk", overwrite=True)
        except Exception as error:
            world.texts.append(repr(error))
            known = isinstance(error, NfcError) or type(error).__module__.startswith("pyVmomi")
            world.expect(known, f"an error of ours, not {error!r} for {body[:60]!r}")
        world.simulator.clear(fault)
    calls = [call["method"].removeprefix("HttpNfcLease") for call in world.simulator.calls()]
    ended = [name for name in calls if name in ("Complete", "Abort")]
    world.expect(len(ended) == len(bodies), "each lease was ended once")
    world.wanted = [(name,) for name in ended]


def _mutated(world: World, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(world.random.randint(1, 8)):
        changed[world.random.randrange(len(changed))] = world.random.randrange(256)
    return bytes(changed)
