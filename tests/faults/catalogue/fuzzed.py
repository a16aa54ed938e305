"""F: the readers of foreign bytes on what the fuzzers kept, changed by chance, beside others.

``make fuzz`` runs libFuzzer itself on the same readers for as long as it is told.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import posixpath
import re
import string
import tarfile
from collections.abc import Iterator
from typing import Literal
from urllib.parse import unquote, urlsplit

import nfclease
from nfclease import HttpNfcLease, NfcError, UnsafePathError, _core, image
from nfclease.simulator.server.certificates import self_signed

from ...support.fuzz_corpus import corpus
from ...support.leases import disk_of
from ...support.packages import ova, package, stream_disk
from ...support.tls_host import TlsHost
from ..harness.case import IMPORTS, LEASES, case
from ..harness.hosts import raw_host
from ..harness.world import World

HERE = ("blocking",)
#: Seconds that an input may take, and a whole case.
DEADLINE = 60.0


def _inputs(world: World, *targets: str, each: int = 2) -> Iterator[bytes]:
    """All that is kept of these, and so many changes of each."""
    for target in targets:
        for data in corpus(target):
            yield data
            for _ in range(each if data else 0):
                yield _changed(world, data)


def _changed(world: World, data: bytes) -> bytes:
    """With other bytes, without some, or with some twice."""
    chance, made = world.random, bytearray(data)
    for _ in range(chance.randint(1, 6)):
        made[chance.randrange(len(made))] = chance.choice((0, 0xFF, chance.randrange(256)))
    start = chance.randrange(len(made))
    end = min(len(made), start + chance.randrange(64))
    how = chance.randrange(4)
    if how == 0 and end - start < len(made):
        del made[start:end]
    elif how == 1:
        made[start:start] = made[start:end]
    return bytes(made)


@case(
    "F02",
    "the scanner of VMDK streams, and the readers of disks, on made-up bytes",
    "an error of ours, or a disk that is the same by both readers; no panic",
    faces=HERE,
    deadline=DEADLINE,
)
def vmdk(world: World) -> None:
    path, new = world.folder / "disk.vmdk", world.folder / "disk.raw"
    accepted = 0
    for data in _inputs(world, "walk", "open", "header"):
        path.write_bytes(data)
        with contextlib.suppress(NfcError, ValueError):
            nfclease.verify(path, grains=True)
        try:
            made = image.convert(path, new, overwrite=True)
        except (NfcError, ValueError) as error:
            world.texts.append(str(error))
            continue
        accepted += 1
        if made.capacity <= 64 << 20:
            with image.open(path) as disk:
                world.expect(disk.read() == new.read_bytes(), "both readers find the same")
    world.expect(accepted, "some are disks")
    world.expect(world.texts, "some are not")


@case(
    "F03",
    "the reader of archives on made-up bytes, beside Python's",
    "what is accepted Python's tarfile reads in the same way; else an error of ours",
    faces=HERE,
    deadline=DEADLINE,
)
def archives(world: World) -> None:
    path, same = world.folder / "package.ova", 0
    for data in _inputs(world, "archive", "package", each=4):
        path.write_bytes(data)
        try:
            members = _core.Package.of_path(path).members
        except (NfcError, ValueError, OSError) as error:
            world.texts.append(str(error))
            continue
        if not data[:512].startswith((b"<", b"\xef\xbb\xbf<")):
            theirs = _by_tarfile(data)
            world.expect(theirs == members, f"not as tarfile: {members} {theirs}")
            same += theirs == members
    world.expect(same, "some are archives")
    world.expect(world.texts, "some are not")


def _by_tarfile(data: bytes) -> object:
    """Names and sizes of the files; the error where there is one."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            return [(member.name, member.size) for member in tar if member.isreg()]
    except tarfile.TarError as error:
        return error


@case(
    "F04",
    "the reader of descriptors on made-up bytes",
    "a descriptor, or PackageError or UnsafePathError; no panic",
    faces=HERE,
    deadline=DEADLINE,
)
def descriptors(world: World) -> None:
    kinds = set()
    for data in _inputs(world, "descriptor", each=8):
        try:
            _core.parse_descriptor(data)
        except NfcError as error:
            kinds.add(type(error).__name__)
            world.violations += [] if len(str(error)) <= 500 else [f"long: {error}"]
    known = {"PackageError", "UnsafePathError", "LimitExceededError", "ProtocolError"}
    world.expect(kinds <= known and kinds, f"errors of ours alone: {kinds}")


@case(
    "F05",
    "the reader of manifest files on made-up bytes, and on what is printed of any names",
    "what is printed is read as it was; else lines or PackageError",
    faces=HERE,
    deadline=DEADLINE,
)
def manifests(world: World) -> None:
    refused = 0
    for data in _inputs(world, "manifest", each=20):
        try:
            entries = _core.ManifestFile.parse(data).entries
        except NfcError:
            refused += 1
            continue
        printable = all(name.isprintable() for name, _, _ in entries)
        if entries and printable:
            again = _core.ManifestFile.parse(_core.ManifestFile.build(entries)).entries
            world.expect(again == entries, f"printed and read again: {entries} {again}")
    world.expect(refused, "some are refused")
    sizes: dict[Literal["sha1", "sha256", "sha512"], int]
    sizes = {"sha1": 40, "sha256": 64, "sha512": 128}
    for _ in range(300):
        names = {_name(world) for _ in range(world.random.randint(1, 5))}
        entries = [
            (name, kind, f"{world.random.getrandbits(4 * sizes[kind]):0{sizes[kind]}x}")
            for name in sorted(names)
            for kind in [world.random.choice(sorted(sizes))]
        ]
        again = _core.ManifestFile.parse(_core.ManifestFile.build(entries)).entries
        world.expect(again == entries, f"as it was: {entries} {again}")


def _name(world: World) -> str:
    """A name as files have it, with what a manifest file means something by."""
    letters = string.ascii_letters + string.digits + "-_. ()=äß漢"
    middle = "".join(world.random.choices(letters, k=world.random.randint(0, 20)))
    return f"a{middle}z"


@case(
    "F06",
    "addresses of devices that are made up, beside urllib",
    "the request goes to the host and path that urllib reads, once it is written as browsers read "
    "it (a backslash is a slash, dots are resolved), or an error of ours",
    faces=HERE,
    deadline=DEADLINE,
)
def addresses(world: World) -> None:
    asked: list[tuple[int, bytes]] = []
    shown = self_signed("127.0.0.1")
    first = raw_host(world, lambda connection, head: asked.append((0, head)), shown)
    other = raw_host(world, lambda connection, head: asked.append((1, head)), shown)
    world.simulator.clear()
    for address in _addresses(world, first, other):
        asked.clear()
        theirs = _by_urllib(address, first, other)
        with HttpNfcLease(world.vm.ExportVm(), max_retries=0) as lease:
            device = disk_of(lease)
            device.url, device.sslThumbprint = address, shown.sha1
            try:
                lease.download(device, world.folder / "disk")
            except (NfcError, ValueError, OSError) as error:
                world.texts.append(repr(error)[:500])
            lease.Abort()
        world.wanted.append(("Abort",))
        seen = {
            (number, _resolved(head.split()[1].decode("latin-1"))) for number, head in asked if head
        }
        world.expect(seen <= theirs, f"{address!r}: asked {seen}, not {theirs}")
    world.failed = True


def _addresses(world: World, first: TlsHost, other: TlsHost) -> list[str]:
    one, two = f"127.0.0.1:{first.port}", f"127.0.0.1:{other.port}"
    made = [
        f"https://{one}/nfc/x/disk",
        f"https://{one}@{two}/nfc/x/disk",
        f"https://{one}\\@{two}/nfc/x/disk",
        f"https://{one}#@{two}/nfc/x/disk",
        f"https://{one}?@{two}/nfc/x/disk",
        f"https://{one}/../{two}/disk",
        f"https:\\\\{one}/nfc/x/disk",
        f"https:///{one}/nfc/x/disk",
        f"HTTPS://{one}/nfc/x/disk",
        f"https://{one}/nfc/x/a b\r\nHost: {two}",
        f"https://{one}/nfc/%2e%2e/disk?a=b&c=d",
        f"file://{one}/etc/passwd",
        f"https://[{one}]/nfc/x/disk",
        f"https://{one}:1/nfc/x/disk",
    ]
    return [*made, *(_changed(world, text.encode()).decode("latin-1") for text in made[:4])]


def _by_urllib(address: str, first: TlsHost, other: TlsHost) -> set[tuple[int, str]]:
    """What may be asked of which host."""
    text = re.sub(r"[\t\r\n]", "", address).replace("\\", "/")
    try:
        parts = urlsplit(re.sub(r"^https:/*", "https://", text, flags=re.IGNORECASE))
        port = parts.port
    except ValueError:
        return set()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    known = {first.port: 0, other.port: 1}
    return {(known[port], _resolved(path))} if port in known else set()


def _resolved(path: str) -> str:
    """Without what is escaped, and without dots."""
    return posixpath.normpath(unquote(path, "latin-1"))


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\nConnection: close\r\n\r\nKDMV" + bytes(4092)


@case(
    "F07",
    "made-up bytes as the answer of a host",
    "an error of ours each time; no panic, no hang",
    faces=LEASES[:1],
    deadline=DEADLINE,
)
def host_answers(world: World) -> None:
    def talk(connection: object, _: bytes) -> None:
        connection.sendall(answers[-1])  # type: ignore[attr-defined]

    answers = [ANSWER]
    raw_host(world, talk)
    for number in range(40):
        head, body = _changed(world, ANSWER[:90]), ANSWER[90:]
        answers.append(head + (body if number % 2 else b""))
        try:
            with HttpNfcLease(world.vm.ExportVm(), max_retries=0, timeout=1.0) as lease:
                lease.download(disk_of(lease), world.target / "disk-0.vmdk", overwrite=True)
            world.expect(False, f"it is refused: {head!r}")
        except NfcError as error:
            world.texts.append(repr(error))
        world.wanted.append(("Abort",))
    world.failed = True


@case(
    "F08",
    "names of devices that are made up",
    "each is kept as it is or refused: no separator in one, and no two are the same file",
    faces=HERE,
)
def names(world: World) -> None:
    parts = ["a", "B", "disk", ".vmdk", "/", "\\", "..", ".", "\0", " ", ":", "con", "COM¹", "漢"]
    taken = 0
    for _ in range(20_000):
        wanted = [
            "".join(world.random.choices(parts, k=world.random.randint(1, 4))) for _ in range(2)
        ]
        try:
            given = _core.safe_names(wanted)
        except UnsafePathError:
            continue
        taken += 1
        world.expect(given == wanted, f"as they are: {wanted} {given}")
        odd = [name for name in given if set(name) & set("/\\\0:") or name in (".", "..")]
        world.expect(not odd, f"no separator: {odd}")
        world.expect(len({name.casefold() for name in given}) == 2, f"two files: {given}")
    world.expect(taken > 100, "some are taken")


@case(
    "F09",
    "a package that comes in pieces of any size",
    "the digests of its disk are those of hashlib, however it is split",
    faces=IMPORTS,
    variants={"sha1": "sha1", "sha256": "sha256", "sha512": "sha512"},
    deadline=DEADLINE,
)
def digests(world: World, algorithm: str) -> None:
    disk = stream_disk(1000, seed=world.random.randrange(1000))
    whole = ova(package({"disk.vmdk": disk}, algorithm=algorithm))
    for _ in range(4):
        places = sorted(world.random.sample(range(1, len(whole)), 30))
        ends = zip([0, *places], [*places, len(whole)], strict=True)
        world.package = iter([whole[start:end] for start, end in ends])  # type: ignore[assignment]
        [file] = world.job(checksum_type="sha256")
        world.expect(file.checksum == hashlib.sha256(disk).hexdigest(), "the server's kind")
        world.expect(file.file_checksum_type == algorithm, "that of the manifest file is compared")
