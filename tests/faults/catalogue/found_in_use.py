"""What the first use of nfclease found wrong on this side, where no other case has it."""

from __future__ import annotations

import tarfile
from typing import Any

from pyVim.connect import Disconnect

from nfclease import (
    HttpNfcLease,
    HttpStatusError,
    MissingUploadError,
)

from ...support.imports import import_one_disk
from ...support.leases import disk_of
from ...support.packages import ova, package, stream_disk
from ..harness.case import IMPORTS, LEASES, case
from ..harness.world import DISK, DISK_SIZE, World

BLOCKING = LEASES[:1]


@case(
    "P41",
    "a transfer fails in the background, and nobody asks for its result",
    "its error comes out of the block, with an Abort and no Complete",
    faces=BLOCKING,
)
def nobody_asks(world: World) -> None:
    world.simulator.inject("status", disk=DISK, code=410)
    with world.fails(HttpStatusError), HttpNfcLease(world.vm.ExportVm()) as lease:
        lease.start_download(disk_of(lease), world.target / "new.vmdk")


@case(
    "P42",
    "members of one tarfile are sent at once, each as a file object of its own",
    "each disk has its own bytes: what shares a position is read in turn",
    faces=IMPORTS,
)
def shared_position(world: World) -> None:
    files = {f"{name}.vmdk": stream_disk(1500, seed) for seed, name in enumerate("abc")}
    archive = world.folder / "package.ova"
    archive.write_bytes(ova(package(files)))
    for _ in range(3):
        with archive.open("rb") as file:
            world.package = file  # type: ignore[assignment]
            world.job()
    with tarfile.open(archive) as tar:
        world.expect(len(tar.getmembers()) == 5, "the archive is as it was")


@case(
    "P43",
    "a file object has seven bytes before a download that is cut once",
    "they are there afterwards, with the disk behind them",
    faces=BLOCKING,
)
def bytes_before(world: World) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=DISK_SIZE // 2, how="reset", count=1)
    path = world.folder / "object"
    with path.open("w+b") as file, HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        file.write(b"before:")
        result = lease.download(disk_of(lease), file)
    world.expect(result.verified == "manifest", "it is verified at the second time")
    world.expect(path.read_bytes()[:11] == b"before:KDMV", "what was before is there")
    world.expect(path.stat().st_size == 7 + result.bytes, "and the disk once")
    world.wanted.append(("Complete",))


@case(
    "E41",
    "the block of an import ends, and nothing was sent",
    "MissingUploadError, and an Abort in the place of Complete",
    faces=BLOCKING,
)
def nothing_sent(world: World) -> None:
    made = import_one_disk(HttpNfcLease, world.service, world.vm, world.folder, "e41")
    world.wanted.append(("Complete",))
    plain = made.raw
    with world.fails(MissingUploadError), HttpNfcLease(plain) as lease:
        lease.wait_ready(10)


@case(
    "E42",
    "a lease is given with an argument that is refused",
    "TypeError or ValueError, and the lease is aborted",
    faces=BLOCKING,
    variants={"max_concurrency": {"max_concurrency": 0}, "timeout": {"timeout": -1.0}},
)
def refused_argument(world: World, options: dict[str, Any]) -> None:
    with world.fails(ValueError):
        HttpNfcLease(world.vm.ExportVm(), **options)


@case(
    "E43",
    "a lease is handed on by detach(), and the object goes",
    "it is neither renewed nor ended by it: who has its moId ends it",
    faces=BLOCKING,
)
def handed_on(world: World) -> None:
    lease = HttpNfcLease(world.vm.ExportVm())
    lease.wait_ready(10)
    plain = lease.detach()
    del lease
    world.expect(plain.state == "ready", "it is held")
    world.expect(not world.simulator.calls("HttpNfcLeaseAbort"), "nobody aborted it")
    plain.Complete()
    world.wanted.append(("Complete",))


@case(
    "E44",
    "the session is closed in the block of a lease",
    "the lease is aborted before its session goes, and the block says that it was lost",
    faces=BLOCKING,
)
def session_closed(world: World) -> None:
    lease = HttpNfcLease(world.vm.ExportVm())
    lease.wait_ready(10)
    Disconnect(world.service)
    calls = [call["method"] for call in world.simulator.calls()]
    ends = [name for name in calls if name in ("HttpNfcLeaseAbort", "Logout")]
    world.expect(ends == ["HttpNfcLeaseAbort", "Logout"], f"in this order: {ends}")
    del lease
    world.wanted.append(("Abort",))
