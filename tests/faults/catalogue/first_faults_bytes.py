"""U06 to U15: half of the bytes, or wrong ones. The numbers are those of the first report."""

from __future__ import annotations

import asyncio
import errno
import gc
import io
import re
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from nfclease import (
    AsyncHttpNfcLease,
    DiskFormatError,
    HttpNfcLease,
    HttpStatusError,
    LimitExceededError,
    SizeMismatchError,
    TruncatedError,
)

from ...support.importing import vm_names
from ...support.imports import import_vm, spec_of
from ...support.inventory import find, unique
from ...support.leases import disk_of
from ...support.packages import ova, package, stream_disk, written
from ...support.waiting import wait_for
from ..harness.case import EXPORTS, IMPORTS, LEASES, case
from ..harness.hosts import raw_host
from ..harness.mounts import needs_fuse, own_mounts, store_below
from ..harness.tracing import calls_fail, needs_tracing
from ..harness.vcenter import VcenterFront
from ..harness.world import DISK, DISK_SIZE, World

BLOCKS = 20


@case(
    "U06",
    "in twenty blocks, one after the other, a transfer fails that nobody asks for its result",
    "each ends in its error and with an Abort: none is completed",
    faces=LEASES,
)
def nobody_asks(world: World) -> None:
    world.simulator.inject("status", disk=DISK, code=410)
    for _ in range(BLOCKS):
        with world.fails(HttpStatusError, status=410):
            if world.face == "blocking":
                with HttpNfcLease(world.vm.ExportVm()) as lease:
                    lease.start_download(disk_of(lease), world.target / "new.vmdk")
            else:
                asyncio.run(_started(world))


async def _started(world: World) -> None:
    async with AsyncHttpNfcLease(world.vm.ExportVm()) as lease:
        info = await lease.wait_ready(10)
        lease.start_download(info.deviceUrl[0], world.target / "new.vmdk")


def _members(files: ExitStack, disks: dict[str, bytes], kind: str, folder: Path) -> dict[str, Any]:
    """File objects of the disks that share the position of one file."""
    path = folder / f"shared.{kind}"
    if kind == "tar":
        path.write_bytes(ova(disks))
        tar: tarfile.TarFile = files.enter_context(tarfile.open(path))  # noqa: SIM115
        return {name: tar.extractfile(name) for name in disks}
    with zipfile.ZipFile(path, "w") as archive:
        for name, disk in disks.items():
            archive.writestr(name, disk)
    opened = files.enter_context(zipfile.ZipFile(path))
    return {name: files.enter_context(opened.open(name)) for name in disks}


@case(
    "U07",
    "file objects over one position are given to uploads that run at once",
    "each disk is verified with its own bytes",
    faces=LEASES[:1],
    variants={"tarfile": "tar", "zipfile": "zip"},
)
def one_position(world: World, kind: str) -> None:
    disks = {f"{name}.vmdk": stream_disk(1500, seed) for seed, name in enumerate("abc")}
    text = package(disks, algorithm=None)["demo.ovf"].decode()
    name = unique("u07")
    spec = spec_of(world.service, world.vm, text, name)
    with ExitStack() as files, HttpNfcLease(import_vm(world.vm, spec), **world.options) as lease:
        sources = _members(files, disks, kind, world.folder)
        lease.wait_ready(10)
        items = [item for item in spec.fileItem if item.path in disks]
        uploads = [lease.start_upload(item, sources[item.path]) for item in items]
        for item, upload in zip(items, uploads, strict=True):
            result = upload.result()
            world.expect(result.verified == "manifest", "it is the server's")
            world.expect(result.bytes == len(disks[item.path]), f"all bytes of {item.path}")
    world.wanted.append(("Complete",))
    _gone(world, name)


def _gone(world: World, name: str) -> None:
    from pyVmomi import vim

    task = find(world.service, vim.VirtualMachine, name).Destroy_Task()
    wait_for(lambda: task.info.state not in ("queued", "running"))


@case(
    "U08",
    "a source was read and let go, its host has not answered, and others come where it was",
    "none is taken for the old one",
    faces=LEASES[:1],
)
def same_address(world: World) -> None:
    disks = {f"{number}.vmdk": stream_disk(64, number) for number in range(2)}
    spec = spec_of(
        world.service, world.vm, package(disks, algorithm=None)["demo.ovf"].decode(), unique("u08")
    )
    name = spec.importSpec.configSpec.name
    world.simulator.inject("soap_delay", method="HttpNfcLeaseGetManifest", seconds=0.5)
    with HttpNfcLease(import_vm(world.vm, spec), **world.options) as lease:
        lease.wait_ready(10)
        first, second = [item for item in spec.fileItem if item.path in disks]
        source = io.BytesIO(disks[first.path])
        began = lease.start_upload(first, source)
        address = id(source)
        del source
        kept, other = [], io.BytesIO(disks[second.path])
        for _ in range(200):
            gc.collect()
            if id(other) == address:
                break
            kept.append(other)
            other = io.BytesIO(disks[second.path])
        result = lease.start_upload(second, other).result()
        world.expect(result.verified == "manifest", "the second is the server's")
        world.expect(began.result().verified == "manifest", "so is the first")
    world.wanted.append(("Complete",))
    _gone(world, name)


def _appended(path: Path) -> Any:
    path.write_bytes(b"before:")
    return path.open("ab")


def _amid(path: Path) -> Any:
    path.write_bytes(b"before:and behind")
    file = path.open("r+b")
    file.seek(7)
    return file


@case(
    "U09",
    "the target is a file object in append mode, or not at its start, and the disk is cut once",
    "it begins again where the first attempt began: what was before is there",
    faces=LEASES[:1],
    variants={"append": _appended, "amid": _amid},
)
def where_it_began(world: World, opens: Callable[[Path], Any]) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=DISK_SIZE // 2, how="reset", count=1)
    path = world.folder / "object"
    with opens(path) as file, HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        result = lease.download(disk_of(lease), file)
    content = path.read_bytes()
    world.expect(result.attempts == 2, "it was fetched twice")
    world.expect(content[:11] == b"before:KDMV", "what was before is there, and the disk behind")
    world.expect(len(content) >= 7 + result.bytes, "once")
    world.wanted.append(("Complete",))


@case(
    "U10",
    "half of a disk is given to upload(), with its size told and not",
    "an error before Complete, and the VM goes",
    faces=LEASES[:1],
    variants={"size": True, "no size": False},
)
def half(world: World, sized: bool) -> None:
    disks = {"disk.vmdk": stream_disk(200)}
    text = package(disks, algorithm=None)["demo.ovf"].decode()
    name = unique("u10")
    spec = spec_of(world.service, world.vm, text, name)
    [item] = spec.fileItem
    if not sized:
        item.size = None
    with (
        world.fails(SizeMismatchError if sized else DiskFormatError),
        HttpNfcLease(import_vm(world.vm, spec), **world.options) as lease,
    ):
        lease.wait_ready(10)
        lease.upload(item, disks["disk.vmdk"][: len(disks["disk.vmdk"]) // 2])
    world.expect(name not in vm_names(world.service), "the VM is gone")


@case(
    "U11",
    "the lease does not say that a device is a disk, nor has a manifest; a page, or a cut disk",
    "an error: the first bytes say what it is",
    faces=EXPORTS[1:],  # the blocking job of the harness takes what the lease calls a disk
    variants={"a page": "html", "cut": "cut"},
)
def not_said(world: World, kind: str) -> None:
    world.simulator.inject("no_manifest")
    world.simulator.inject("device_url", fields={"disk": None, "fileSize": None})
    params: dict[str, Any] = {"after_bytes": DISK_SIZE // 2, "how": "end"} if kind == "cut" else {}
    world.simulator.inject(kind, disk=DISK, **params)
    with world.fails(TruncatedError if kind == "cut" else DiskFormatError):
        world.job(max_retries=0)


@case(
    "U12",
    "a package with the delta of a disk, on slow uploads",
    "it is sent when its parent has come, and not before",
    faces=IMPORTS,
)
def delta(world: World) -> None:
    files = {"base.vmdk": stream_disk(64), "delta.vmdk": stream_disk(8, 2)}
    members = package(files, disks=list(files), algorithm=None)
    text = members["demo.ovf"].decode()
    text = text.replace('"vmdisk2"', '"vmdisk2" ovf:parentRef="vmdisk1"', 1)
    text = re.sub(r"\s*<Item>(?:(?!<Item>).)*?/vmdisk1<.*?</Item>", "", text, count=1, flags=re.S)
    members["demo.ovf"] = text.encode()
    world.package = written(world.folder / "package", members)
    world.simulator.inject("bandwidth", method="POST", bytes_per_second=1 << 20)
    world.job()
    first, second = world.requests()
    world.expect(first["ended"] <= second["started"], "the parent was there first")


@case(
    "U13",
    "the directory cannot be synced once the file has its name",
    "the file is complete, a record says so, and the lease is completed",
    faces=LEASES[:1],
    needs=needs_tracing,
)
def after_the_name(world: World) -> None:
    with calls_fail("fsync:error=EIO", only=world.target):
        world.job()
    found = [path.name for path in world.target.iterdir()]
    world.expect(found == ["disk-0.vmdk"], f"one final name, not {found}")


@case(
    "U14",
    "a file system without hard links, and with no rename at all",
    "OSError before the first byte is asked for",
    faces=("blocking", "export_vm"),
    needs=needs_fuse,
    within=own_mounts,
)
def no_rename(world: World) -> None:
    store_below(world, "rename:EPERM")
    with world.fails(PermissionError, errno=errno.EPERM):
        world.job()
    world.expect(not world.requests(), "no byte was asked for")


@case(
    "U15",
    "the capacity of a lease is 0, and its host sends without an end",
    "LimitExceededError at max_unannounced_size, and nothing is kept",
    faces=("blocking", "asyncio"),
)
def no_capacity(world: World) -> None:
    pattern = rb"(<totalDiskCapacityInKB>)\d+(<)"
    raw_host(world, _endless)
    VcenterFront(
        world,
        "NoSuchMethod",
        lambda handler: None,
        lambda content: re.sub(pattern, rb"\g<1>0\2", content),
    )
    with world.fails(LimitExceededError):
        world.job(max_unannounced_size=8 << 20)


def _endless(connection: Any, _: bytes) -> None:
    disk = stream_disk(2000)[:-1024]
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"%x\r\n" % len(disk) + disk + b"\r\n"
    while True:
        connection.sendall(piece)
