"""N: what is done again, how often, and what is not: the table of retries, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nfclease import (
    ChecksumMismatchError,
    ConnectError,
    DiskFormatError,
    HttpStatusError,
    InsecureUrlError,
    LeaseCompleteError,
    LeaseLostError,
    ManifestError,
    NfcError,
    ProtocolError,
    SizeMismatchError,
    StallError,
    ThumbprintMismatchError,
    TruncatedError,
    UnexpectedRedirectError,
)

from ...support.packages import with_files, written
from ..harness import invariants
from ..harness.case import IMPORTS, LEASES, case
from ..harness.hosts import nobodys_host
from ..harness.world import DISK, DISK_SIZE, LARGE_SIZE, World

MIDDLE = DISK_SIZE // 2
#: How often a row allows a request to be made again: more than once, so that "once" shows.
ALLOWED = 2
#: How often a request is made in all.
ALWAYS, ONCE, NEVER = ALLOWED + 1, 2, 1


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        kind: What is injected.
        fault: Its parameters.
        error: What comes out where that does not pass.
        made: How often the request is made then.
        ends: What ends the lease.
        options: Of the lease.
        seen: How many of these requests come to the server's listener; as ``made`` where None.
    """

    kind: str
    fault: dict[str, Any]
    error: type[NfcError]
    made: int
    ends: tuple[str, ...] = ("Abort",)
    options: dict[str, Any] = field(default_factory=dict)
    seen: int | None = None

    @property
    def passes(self) -> bool:
        """Whether the job works where the fault comes once."""
        return self.made > NEVER and self.kind != "device_url"


def _status(code: int, made: int) -> Row:
    return Row("status", {"code": code}, HttpStatusError, made)


def _cut(how: str, error: type[NfcError] = TruncatedError) -> Row:
    return Row("cut", {"after_bytes": MIDDLE, "how": how}, error, ALWAYS)


#: Of a GET: what it brings is made anew, from its first byte.
DOWNLOADS: dict[str, Row] = {
    "refused": Row("device_url", {}, ConnectError, ALWAYS, seen=0),
    "no answer": Row("cut", {"after_bytes": 0, "how": "reset"}, ConnectError, ALWAYS),
    **{how: _cut(how) for how in ("reset", "clean", "fin", "end", "close_delimited")},
    "silence": Row("stall", {"after_bytes": MIDDLE}, StallError, ALWAYS, options={"timeout": 1.0}),
    "nothing": Row("empty", {}, TruncatedError, ALWAYS),
    **{str(code): _status(code, ALWAYS) for code in (408, 429, 500, 502, 503, 504)},
    **{str(code): _status(code, NEVER) for code in (400, 401, 403, 404, 410, 416, 501)},
    "other bytes": Row("flip", {"offset": MIDDLE}, ChecksumMismatchError, ONCE),
    "other sum": Row("manifest", {"sha1": "0" * 40}, ChecksumMismatchError, ONCE),
    "other size": Row("manifest", {"size": 1}, SizeMismatchError, ONCE),
    "a page": Row("html", {}, DiskFormatError, NEVER),
    "not listed": Row(
        "manifest", {"missing": True}, ManifestError, NEVER, options={"require_manifest": True}
    ),
    "redirect": Row("redirect", {}, UnexpectedRedirectError, NEVER),
    "http": Row("http_url", {}, InsecureUrlError, NEVER, seen=0),
    "another host": Row(
        "wrong_certificate", {"listener": "host"}, ThumbprintMismatchError, NEVER, seen=0
    ),
    "lease is over": Row("expire", {"after_bytes": MIDDLE}, LeaseLostError, NEVER, ends=()),
}


@case(
    "N41",
    "the table of retries, downloads: each thing that can go wrong, once and always",
    "the whole disk once more where that may help, as often as allowed; wrong bytes once more; "
    "what cannot pass never",
    faces=LEASES[:1],
    variants=DOWNLOADS,
)
def downloads(world: World, row: Row) -> None:
    fault = _told(world, row)
    if row.passes:
        world.simulator.inject(row.kind, count=1, **fault)
        [result] = world.job(max_retries=ALLOWED, **row.options)
        world.expect(result.attempts == 2, f"{result.attempts} attempts, where it came once")
        world.expect(len(world.requests()) == 2, "the disk was asked for twice")
        world.before = invariants.tree_of(world.target)
    before = len(world.requests())
    world.simulator.inject(row.kind, **fault)
    with world.fails(row.error, ends=row.ends):
        world.job(max_retries=ALLOWED, **row.options)
    _counted(world, row, before)


def _told(world: World, row: Row) -> dict[str, Any]:
    """The parameters of the fault, and which disk it is about."""
    if row.kind == "wrong_certificate":
        return dict(row.fault)
    fault = {"disk": DISK, **row.fault}
    if row.kind == "device_url":
        host = nobodys_host(world)
        host.close()
        fault["netloc"] = f"127.0.0.1:{host.port}"
    return fault


def _counted(world: World, row: Row, before: int = 0) -> None:
    """How often it was asked, each time for the whole."""
    requests = [each for each in world.requests() if DISK in each["path"]][before:]
    wanted = row.made if row.seen is None else row.seen
    world.expect(len(requests) == wanted, f"{len(requests)} requests, not {wanted}")
    if row.made > NEVER:
        attempts = rf"{row.made} attempts were made"
        world.expect(attempts in " ".join(world.texts), f"the error says that {attempts}")


#: Of a POST: what has come of a disk stays, so that nothing is sent twice.
UPLOADS: dict[str, Row] = {
    "refused": Row("device_url", {}, ConnectError, ALWAYS, seen=0),
    "no answer": Row("cut", {"after_bytes": 0, "how": "reset"}, ConnectError, NEVER),
    "reset": Row("cut", {"after_bytes": LARGE_SIZE // 2, "how": "reset"}, ConnectError, NEVER),
    "silence": Row("stall", {"after_bytes": 1 << 20}, StallError, NEVER, options={"timeout": 1.0}),
    **{str(code): _status(code, NEVER) for code in (408, 429, 500, 502, 503, 504)},
    **{str(code): _status(code, NEVER) for code in (401, 403, 404, 410, 413, 507)},
    "other bytes": Row("flip", {"offset": 9000}, ChecksumMismatchError, NEVER),
    "other sum": Row("manifest", {"sha1": "0" * 40}, ChecksumMismatchError, NEVER),
    "other size": Row("manifest", {"size": 1}, SizeMismatchError, NEVER),
    "redirect": Row("redirect", {"code": 307}, UnexpectedRedirectError, NEVER),
    "http": Row("http_url", {}, InsecureUrlError, NEVER, seen=0),
    "another host": Row(
        "wrong_certificate", {"listener": "host"}, ThumbprintMismatchError, NEVER, seen=0
    ),
    "lease is over": Row("expire", {"after_bytes": 1 << 20}, LeaseLostError, NEVER, ends=()),
}


@case(
    "N42",
    "the table of retries, uploads of a disk: each thing that can go wrong",
    "not sent once more, but where no byte of it has gone; the VM goes",
    faces=IMPORTS,
    variants=UPLOADS,
)
def uploads(world: World, row: Row) -> None:
    world.large()
    world.simulator.inject(row.kind, **_told(world, row))
    with world.fails(row.error, ends=row.ends):
        world.job(max_retries=ALLOWED, **row.options)
    _counted(world, row)


@case(
    "N43",
    "the table of retries, a PUT, which replaces the whole file: it breaks once, or always",
    "the whole file once more, as often as allowed",
    faces=IMPORTS,
    variants={"once": 1, "always": None},
)
def replaced(world: World, count: int | None) -> None:
    files = {"demo.nvram": b"n" * 100_000, "cd.iso": b"c" * 100_000}
    world.package = written(world.folder / "package", with_files(files))
    world.simulator.inject("cut", method="PUT", after_bytes=50_000, how="reset", count=count)
    if count is not None:
        world.job(max_retries=ALLOWED)
    else:
        with world.fails(ConnectError):
            world.job(max_retries=ALLOWED, max_concurrency=1)
    sent = [each["path"] for each in world.requests() if each["method"] == "PUT"]
    counts = sorted(sent.count(path) for path in set(sent))
    world.expect(counts[-1] == (2 if count else ALWAYS), f"each file was sent so often: {counts}")


@dataclass(frozen=True)
class Call:
    """A line about a vSphere call.

    Attributes:
        method: The call.
        made: How often it is made where no answer comes, ever.
        error: What comes out then; None where the job works all the same.
        ends: What ends the lease then.
    """

    method: str
    made: int
    error: type[NfcError] | None
    ends: tuple[str, ...] = ("Abort",)


_LEASE = "HttpNfcLease"
#: Those that change nothing, and those that end a lease.
CALLS: dict[str, Call] = {
    "GetManifest": Call(_LEASE + "GetManifest", ALWAYS, ConnectError),
    "Complete": Call(
        _LEASE + "Complete", 3, LeaseCompleteError, ("Complete", "Complete", "Complete", "Abort")
    ),
}
HOW: dict[str, dict[str, Any]] = {
    "dropped": {"kind": "drop"},
    "503": {"kind": "soap_status", "code": 503},
    "rubbish": {"kind": "raw_reply", "body": "<html/>"},
}
ROWS = {f"{call}, {how}": (CALLS[call], HOW[how]) for call in CALLS for how in HOW}


@case(
    "N44",
    "the table of retries, calls: the answer does not come, once and always",
    "what only reads is asked again, and no disk for it; Complete is sent again after a look at "
    "the lease; Abort is sent once",
    faces=LEASES[:1],
    variants=ROWS,
    deadline=60.0,
)
def calls(world: World, row: tuple[Call, dict[str, Any]]) -> None:
    call, how = row
    params = {key: value for key, value in how.items() if key != "kind"}
    error, made = call.error, call.made
    if how["kind"] == "raw_reply" and "GetManifest" in call.method:
        error, made = ProtocolError, 1  # a page is no answer the second time either
    if how["kind"] == "soap_status" and error is ConnectError:
        error = HttpStatusError
    if made > 1:
        world.simulator.inject(how["kind"], method=call.method, count=1, **params)
        world.job(max_retries=ALLOWED)
        world.expect(len(world.simulator.calls(call.method)) >= 2, "it was asked again")
        if "Complete" in call.method:
            world.wanted[-1] = ("Complete", "Complete")
        world.before = invariants.tree_of(world.target)
    before = len(world.simulator.calls(call.method))
    asked = len(world.requests())
    world.simulator.inject(how["kind"], method=call.method, **params)
    assert error is not None
    with world.fails(error, ends=call.ends):
        world.job(max_retries=ALLOWED)
    times = len(world.simulator.calls(call.method)) - before
    world.expect(times == made, f"it was made {times} times, not {made}")
    world.expect(len(world.requests()) - asked == 1, "the disk was asked for once")
    if "Complete" in call.method:
        world.failed = False  # what was verified stays
