"""H, A and C: texts that a stranger puts wherever a person may read them later."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from typing import Any

from pyVmomi import vmodl

from nfclease import JournalInUseError, NfcError, fleet

from ...support.command import Command, govc_environment
from ...support.packages import package, written
from ...support.waiting import wait_for
from ..harness.case import IMPORTS, LEASES, case
from ..harness.hosts import raw_host, saying
from ..harness.jobs import JobFailed
from ..harness.texts import HOSTILE, LONG, printed
from ..harness.vcenter import VcenterFront
from ..harness.world import DISK, World

TEXTS = {"odd": HOSTILE, "long": LONG}
#: What XML 1.0 can carry of it.
IN_XML = {
    how: "".join(char for char in text if char.isprintable() or char in "\n\x85\u202e\u2028")
    for how, text in TEXTS.items()
}


def _ends(world: World, *, may_pass: bool = False, **options: Any) -> None:
    """The job ends in an error of ours, whichever, or it may be done."""
    before = len(world.wanted)
    try:
        world.job(**options)
    except (NfcError, OSError, JobFailed, vmodl.MethodFault) as error:
        world.failed = True
        world._read(error, "")
    else:
        world.expect(may_pass, "it is refused")
        return
    del world.wanted[before:]
    ended = {call["moid"] for call in world.simulator.calls("HttpNfcLeaseAbort")}
    world.wanted += [("Abort",)] * len(ended)


@case(
    "H60",
    "a fault of a call whose text has lines, colours and letters turned around, or is a page",
    "an error or a record of one line, which quotes some of it",
    faces=("asyncio", "fleet"),
    variants={
        f"{call}-{how}": (call, text)
        for call in ("GetManifest", "Progress", "Complete")
        for how, text in IN_XML.items()
    },
)
def faults(world: World, given: tuple[str, str]) -> None:
    call, text = given
    world.simulator.inject("soap_fault", method=f"HttpNfcLease{call}", message=text)
    _ends(world, may_pass=call == "Progress", keep_alive_interval=0.1)
    if call == "Complete":  # the disks are verified by then, and stay
        world.wanted[:] = [("Complete", "Abort")]
        world.failed = False


@case(
    "H61",
    "a lease that fails with such a text",
    "LeaseInitError of one line",
    faces=(*LEASES, "fleet"),
    variants=IN_XML,
)
def lease_fails(world: World, text: str) -> None:
    world.simulator.inject("init_error", message=text)
    _ends(world)
    world.wanted.clear()


@case(
    "H62",
    "a host whose reason phrase, headers and page are such texts",
    "HttpStatusError or ProtocolError of one line",
    faces=("blocking", "export_vm"),
    variants={
        f"{status}-{how}": (status, text)
        for status in (302, 418, 503)
        for how, text in TEXTS.items()
    },
)
def host_says(world: World, given: tuple[int, str]) -> None:
    status, text = given
    phrase = text.replace("\n", " ").encode()
    lines = [b"HTTP/1.1 %d %s" % (status, phrase[:4000])]
    lines += [
        b"Location: " + phrase[:4000],
        b"Retry-After: " + phrase[:100],
        b"Content-Length: 9000",
    ]
    lines += [b"Content-Type: " + phrase[:4000], b"", text.encode().ljust(9000)[:9000]]
    raw_host(world, saying(b"\r\n".join(lines)))
    _ends(world, max_retries=0)


@case(
    "H63",
    "a vCenter whose reason phrase, headers and page are such texts",
    "ends in an error of one line",
    faces=("blocking", "fleet"),
    variants=TEXTS,
)
def vcenter_says(world: World, text: str) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        phrase = text.replace("\n", " ")[:4000].encode()
        page = text.encode()[:9000]
        handler.wfile.write(b"HTTP/1.1 503 " + phrase + b"\r\nServer: " + phrase)
        handler.wfile.write(b"\r\nContent-Length: %d\r\n\r\n" % len(page) + page)

    VcenterFront(world, "HttpNfcLeaseGetManifest", answer)
    _ends(world)


@case(
    "H64",
    "devices whose key, file name, thumbprint or address is such a text",
    "an error of one line",
    faces=("blocking", "export_vm", "fleet"),
    variants={
        f"{field}-{how}": (field, text)
        for field in ("key", "targetId", "sslThumbprint", "url")
        for how, text in IN_XML.items()
    },
)
def devices(world: World, given: tuple[str, str]) -> None:
    field, text = given
    value = f"https://127.0.0.1/nfc/{text}" if field == "url" else text
    world.simulator.inject("device_url", disk=DISK, fields={field: value})
    named = field == "targetId" and world.face == "blocking"  # by the script, not by the server
    _ends(world, may_pass=named, max_retries=0, require_manifest=True)


@case(
    "H65",
    "a VM whose name is such a text, by the command",
    "what it prints moves no cursor, in lines and as JSON",
    faces=("export_vm",),
)
def printed_names(world: World) -> None:
    name = IN_XML["odd"]
    world.simulator.add_vm(name, disks=1, disk_size=65536, nvram=False)
    command = Command(govc_environment(world.simulator))
    new = world.target / "new"
    calls = (
        ["ls"],
        ["ls", "--quiet"],
        ["ls", "--json"],
        ["export", name, "-o", str(new)],
        ["export", name, "--name", "new", "-o", str(new)],
        ["export", name, "--name", "new", "-o", str(new), "--overwrite", "--json"],
        ["export", name, "--name", "new", "-o", str(new), "--dry-run"],
        ["export", f"{name}no", "-o", str(new)],
        ["export", "--all-in", "DC0", "--dry-run", "-o", str(new / "{vm}.ova")],
        ["verify", str(new)],
        ["inspect", str(new)],
        ["leases"],
    )
    for each in calls:
        done = command(*each)
        world.violations += printed([done.stdout, done.stderr])
    world.expect((new / "new.ovf").exists(), "it is exported")
    task = world.named(name).Destroy_Task()
    wait_for(lambda: task.info.state == "success")
    world.wanted += [("Complete",)] * 2


@case(
    "A60",
    "a package whose file names, descriptor and manifest file are such texts",
    "PackageError, UnsafePathError or a DiskFormatError of one line",
    faces=IMPORTS,
    variants={
        f"{place}-{how}": (place, text)
        for place in ("name", "href", "manifest", "section")
        for how, text in IN_XML.items()
    },
)
def packages(world: World, given: tuple[str, str]) -> None:
    place, text = given
    members, odd = package(), text.encode()
    if place == "name":
        members["demo.ovf"] = members["demo.ovf"].replace(b"<Name>demo", b"<Name>" + odd)
    elif place == "href":
        members["demo.ovf"] = members["demo.ovf"].replace(b"disk.vmdk", odd)
    elif place == "manifest":
        members["demo.mf"] += b"SHA256(" + odd + b")= " + odd
    else:
        members["demo.ovf"] = members["demo.ovf"].replace(b"<Info>hw", odd)
    world.package = written(world.folder / "package", members)
    _ends(world, strict=True)


@case(
    "C60",
    "a journal whose lock says that such a text holds it",
    "JournalInUseError of one line",
    faces=("fleet",),
    variants=TEXTS,
)
def lock_says(world: World, text: str) -> None:
    path = world.folder / "journal.db"
    with fleet.Journal(path), closing(sqlite3.connect(f"{path}.lock.new")) as other:
        other.execute("CREATE TABLE holder (process, host, since)")
        other.execute("INSERT INTO holder VALUES (?, ?, ?)", (7, text, 1e9))
        other.commit()
        other.execute("BEGIN IMMEDIATE")
        (world.folder / "journal.db.lock").rename(world.folder / "old.lock")
        (world.folder / "journal.db.lock.new").rename(world.folder / "journal.db.lock")
        with world.fails(JournalInUseError, ends=(), host=lambda host: host.isprintable()):
            fleet.Journal(path)
