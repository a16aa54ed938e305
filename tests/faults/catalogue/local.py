"""L: what goes wrong on this machine: its disks, its limits, its end."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nfclease import HttpNfcLease, SizeMismatchError, SourceChangedError

from ...support.failing_calls import can_mount, mounting
from ...support.leases import disk_of
from ...support.packages import ova, written
from ...support.smoke import login
from ...support.waiting import wait_for
from ..harness.case import EXPORTS, IMPORTS, LEASES, case
from ..harness.tracing import calls_fail, needs_tracing
from ..harness.world import DISK, DISK_SIZE, World


def needs_mount() -> str:
    """Why nothing can be mounted here; empty where it can."""
    return "" if can_mount() else "no user may mount anything here"


def small_disk(folder: str) -> list[str]:
    """A process that sees a file system of 1 MiB there."""
    return mounting(Path(folder), "size=1m")


@case(
    "L01",
    "the file system is full at a third of the disk",
    "OSError(ENOSPC), not tried again, nothing kept",
    stars=2,
    needs=needs_mount,
    within=small_disk,
)
def full(world: World) -> None:
    world.write_below(world.own)
    with world.fails(OSError, errno=errno.ENOSPC):
        world.job()
    world.expect(len(world.requests()) == 1, "the disk was asked for once")


def _part(world: World) -> Path:
    return world.target / "disk-0.vmdk.part"


CALLS = {
    "fsync ENOSPC": ("fsync:error=ENOSPC", errno.ENOSPC),
    "fsync EIO": ("fsync:error=EIO", errno.EIO),
    "fsync EDQUOT": ("fsync:error=EDQUOT", errno.EDQUOT),
}


@case(
    "L02",
    "no space is left when the file is synced",
    "OSError with its errno, the old file as it was",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants=CALLS,
)
def full_at_the_end(world: World, how: tuple[str, int]) -> None:
    fault, number = how
    with world.fails(OSError, errno=number), calls_fail(fault, only=_part(world)):
        world.job()


@case(
    "L03",
    "a write of the disk fails with EIO, the first or a later one",
    "OSError(EIO)",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants={"first": 1, "third": 3},
)
def write_fails(world: World, when: int) -> None:
    faults = [f"{call}:error=EIO:when={when}+" for call in ("write", "pwrite64", "writev")]
    with world.fails(OSError, errno=errno.EIO), calls_fail(*faults, only=_part(world)):
        world.job()


@case(
    "L04",
    "fsync fails with EIO once",
    "OSError(EIO): it is not called again, as if that helped",
    faces=("blocking", "export_vm"),
    needs=needs_tracing,
)
def sync_fails(world: World) -> None:
    only = [_part(world)] if world.face == "blocking" else []
    with (
        world.fails(OSError, errno=errno.EIO),
        calls_fail("fsync:error=EIO:when=1", "fdatasync:error=EIO:when=1", only=only),
    ):
        world.job()


RENAMES = ("rename", "renameat", "renameat2", "linkat")


@case(
    "L05",
    "the file cannot get its name",
    "OSError with its errno",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants={"EXDEV": errno.EXDEV, "EACCES": errno.EACCES},
)
def no_rename(world: World, number: int) -> None:
    name = errno.errorcode[number]
    kind = PermissionError if number == errno.EACCES else OSError
    with (
        world.fails(kind, errno=number),
        calls_fail(*(f"{call}:error={name}" for call in RENAMES)),
    ):
        world.job()


PLACES = {"missing": FileNotFoundError, "a file": NotADirectoryError}


@case(
    "L06",
    "the directory is missing, or is a file",
    "its OSError, and no lease was opened",
    faces=("export_vm",),
    variants=PLACES,
)
def no_directory(world: World, kind: type[OSError]) -> None:
    (world.target / "file").write_bytes(b"")
    world.before = {**world.before, "file": _empty()}
    world.target = world.target / ("file" if kind is NotADirectoryError else "missing") / "more"
    calls = len(world.simulator.calls("ExportVm"))
    with world.fails(kind, ends=()):
        world.job()
    world.expect(len(world.simulator.calls("ExportVm")) == calls, "no lease was opened")
    world.target = world.folder / "target"


def _empty() -> str:
    import hashlib

    return hashlib.sha256(b"").hexdigest()


@contextmanager
def limited(what: int, soft: int) -> Iterator[None]:
    """A limit of this process, for the length of a block."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


@case(
    "L07",
    "there is no descriptor any more when the disk is asked for",
    "OSError(EMFILE), and Abort comes through all the same",
    faces=LEASES[:1],
)
def no_descriptors(world: World) -> None:
    with world.fails(OSError, errno=errno.EMFILE), HttpNfcLease(world.vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lowest = os.dup(0)
        os.close(lowest)
        with limited(resource.RLIMIT_NOFILE, lowest):
            lease.download(disk, world.target / "disk-0.vmdk", overwrite=True)


@case("L08", "files may have 1 MiB", "OSError(EFBIG), and the process lives", faces=EXPORTS)
def too_large(world: World) -> None:
    with world.fails(OSError, errno=errno.EFBIG), limited(resource.RLIMIT_FSIZE, 1 << 20):
        world.job()


VICTIM = """
import ssl, sys
from pyVim.connect import SmartConnect
from pyVmomi import vim
import nfclease
from nfclease.inventory import find
host, port, user, password, ca_file, name, target = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
print("here", flush=True)
nfclease.export_vm(find(service, name), target, overwrite=True)
"""


@case(
    "L09",
    "the process is killed at one of 40 moments of an export",
    "a final name has a whole package or is not there; the same job works afterwards",
    faces=("export_vm",),
    stars=2,
    deadline=120.0,
    options={"lease_timeout": 3.0},
)
def killed(world: World) -> None:
    import nfclease

    shutil.rmtree(world.target)
    world.target.mkdir()
    for number in range(40):
        place = world.target / ("out" if number % 2 else "out.ova")
        process = subprocess.Popen(
            [sys.executable, "-c", VICTIM, *login(world.simulator), "one", str(place)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            process.wait(number * 0.005 + world.random.random() * 0.005)
        process.kill()
        world.texts.append(process.communicate()[1].decode())
        if place.exists():
            world.expect(nfclease.verify(place).ok, f"{place.name} is whole after kill {number}")
        world.simulator.expire()
    for name in ("out", "out.ova"):
        nfclease.export_vm(world.vm, world.target / name, overwrite=True)
        world.expect(nfclease.verify(world.target / name).ok, f"{name} afterwards")
    seen = [call["method"] for call in world.simulator.calls() if "LeaseComplete" in call["method"]]
    world.wanted = [("Complete",)] * len(seen)
    for left in world.target.iterdir():  # what a kill may leave, under names of its own
        if left.name not in ("out", "out.ova"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


@case(
    "L11",
    "links are planted at the final name and at that of the partial file",
    "what they lead to is as it was",
    faces=LEASES,
)
def planted_links(world: World) -> None:
    victim = world.folder / "victim"
    victim.write_bytes(b"precious")
    for name in ("disk-0.vmdk", "disk-0.vmdk.part"):
        (world.target / name).unlink(missing_ok=True)
        (world.target / name).symlink_to(victim)
    world.job()
    world.expect(victim.read_bytes() == b"precious", "what the links lead to")
    world.expect(not (world.target / "disk-0.vmdk").is_symlink(), "the link was replaced")


@case(
    "L12",
    "the directory is another one in the middle of a disk",
    "nothing is written elsewhere",
    faces=LEASES[:1],
)
def directory_swapped(world: World) -> None:
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    world.simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)

    def swap() -> None:
        wait_for(lambda: _part(world).exists())
        world.target.rename(world.folder / "moved")
        world.target.symlink_to(elsewhere)

    thread = threading.Thread(target=swap)
    thread.start()
    with world.fails(FileNotFoundError, says="the directory"):
        world.job()
    thread.join()
    world.expect(list(elsewhere.iterdir()) == [], "nothing is elsewhere")
    world.target.unlink()
    (world.folder / "moved").rename(world.target)


@case(
    "L13",
    "a file of the name is there, with and without overwrite=True, and the export fails",
    "the old file is as it was",
    faces=LEASES[:1],
    variants={"overwrite": True, "not": False},
)
def old_file(world: World, overwrite: bool) -> None:
    from nfclease import HttpStatusError

    world.simulator.inject("status", disk=DISK, code=410)
    kind: type[Exception] = HttpStatusError if overwrite else FileExistsError
    with world.fails(kind), HttpNfcLease(world.vm.ExportVm(), max_retries=0) as lease:
        lease.download(disk_of(lease), world.target / "disk-0.vmdk", overwrite=overwrite)


def _write_in_place(file: Path) -> None:
    with open(file, "r+b") as disk:
        disk.seek(1000)
        disk.write(b"another word")


def _replace(file: Path) -> None:
    other = file.with_suffix(".new")
    shutil.copy(file, other)
    os.replace(other, file)


CHANGES: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "cut": (lambda file: os.truncate(file, file.stat().st_size - (1 << 20)), SizeMismatchError),
    "grows": (lambda file: os.truncate(file, file.stat().st_size + (1 << 20)), SizeMismatchError),
    "written in place": (_write_in_place, SourceChangedError),
    "replaced": (_replace, SourceChangedError),
}


@case(
    "L14",
    "the disk of a package, or the archive that it is in, is cut, grows, is written in place or is "
    "replaced while it is sent",
    "SizeMismatchError or, where its length is the same, SourceChangedError, which name the file, "
    "and the VM is gone",
    faces=IMPORTS,
    variants={
        f"{name}, {form}": (change, form)
        for name, change in CHANGES.items()
        for form in ("file", "archive")
    },
)
def source_changes(
    world: World, how: tuple[tuple[Callable[[Path], object], type[Exception]], str]
) -> None:
    (alter, kind), form = how
    world.large()
    # Without a manifest file, which would show the same in its own way.
    members = {path.name: path.read_bytes() for path in sorted(world.package.iterdir())}
    members = {name: data for name, data in members.items() if not name.endswith(".mf")}
    ordered = dict(sorted(members.items(), key=lambda each: not each[0].endswith(".ovf")))
    if form == "archive":
        world.package = file = world.folder / "package.ova"
        file.write_bytes(ova(ordered))
    else:
        world.package = written(world.folder / "package", members)
        [file] = world.package.glob("*.vmdk")
    world.simulator.inject("bandwidth", bytes_per_second=12 << 20)

    def change() -> None:
        wait_for(world.simulator.requests)
        alter(file)

    thread = threading.Thread(target=change)
    thread.start()
    with world.fails(kind, says=rf"disk-0\.vmdk|{re.escape(file.name)}"):
        world.job()
    thread.join()


def _directory(path: Path) -> None:
    path.mkdir()


def _zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


SOURCES = {"a pipe": os.mkfifo, "a directory": _directory, "/dev/zero": _zero}


@case(
    "L15",
    "the disk of a package is a pipe, a directory, or without an end",
    "an OSError that names the file, before a lease is opened",
    faces=IMPORTS,
    variants=SOURCES,
)
def odd_sources(world: World, make: Any) -> None:
    copy = world.folder / "package"
    shutil.copytree(world.package, copy)
    world.package = copy
    [disk] = copy.glob("*.vmdk")
    disk.unlink()
    make(disk)
    kind = IsADirectoryError if disk.is_dir() else OSError
    with world.fails(kind, says=r"disk-0\.vmdk", ends=()):
        world.job()
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")
