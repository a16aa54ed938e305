"""V: disks that mean harm, and what can go wrong while one becomes another or is read."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nfclease
from nfclease import DiskFormatError, NfcError, SizeMismatchError, SourceChangedError, image

from ...formats import test_hostile, test_open_damaged, test_qcow2_reader
from ...support.converting import package_of
from ...support.disks import GRAIN, SECTOR, grains_of, stream
from ...support.failing_calls import can_mount
from ...support.loop_device import loop_device
from ...support.made_disks import by_vmware
from ...support.packages import written
from ...support.waiting import wait_for
from ..harness.case import IMPORTS, case
from ..harness.world import World
from .local import needs_mount, small_disk

#: A face that has no part in it: what a case does with disks has no lease.
HERE = ("blocking",)
MIB = 1 << 20
#: What a disk becomes, by the options of ``image.convert``.
TARGETS: dict[str, dict[str, Any]] = {
    "raw": {"to": "raw"},
    "qcow2": {"to": "qcow2"},
    "deflate": {"to": "qcow2", "qcow2_compression": "deflate"},
    "transplant": {"to": "qcow2", "qcow2_compression": "transplant", "grains": True},
    "vmdk": {"to": "vmdk"},
}
PLAIN = {name: TARGETS[name] for name in ("raw", "qcow2", "vmdk")}


def _raw(world: World, size: int = 4 * MIB, name: str = "disk.raw") -> Path:
    """A raw disk that cannot be compressed."""
    path = world.folder / name
    with path.open("wb") as file:
        for _ in range(0, size, MIB):
            file.write(world.random.randbytes(MIB))
    return path


def _small(world: World) -> tuple[Path, bytes]:
    """A streamOptimized disk of 1 MiB, and its bytes."""
    grains = {number: b"%d text " % number * 4000 for number in (0, 3, 4, 9)}
    grains[12] = world.random.randbytes(GRAIN)
    path = world.folder / "disk.vmdk"
    path.write_bytes(stream(grains, MIB))
    plain = b"".join(grains.get(at, b"")[:GRAIN].ljust(GRAIN, b"\0") for at in range(MIB // GRAIN))
    return path, plain


@case(
    "V05",
    "a VMDK whose header, tables, descriptor or grains lie, or that is a bomb, is converted",
    "DiskFormatError that names the file, no image, and no file that it names is opened",
    faces=HERE,
    variants=TARGETS,
    deadline=60.0,
)
def hostile_streams(world: World, options: dict[str, Any]) -> None:
    os.mkfifo(world.folder / "secret")  # who opens it waits for ever
    disk = world.folder / "disk.vmdk"
    for change in test_hostile.CHANGES.values():
        content = stream(test_hostile.GRAINS, test_hostile.CAPACITY)
        disk.write_bytes(change(bytearray(content)))
        with world.fails(DiskFormatError, says=r"disk\.vmdk", ends=()):
            image.convert(disk, world.target / "new", **options)


def _qcow2_lies() -> dict[str, bytes]:
    one_cluster = b"".join((3 * GRAIN).to_bytes(8, "big") for _ in range(8192)) + b"x" * GRAIN
    made = {
        "tables without end": ([2 * GRAIN] * 8192, bytes(GRAIN) + b"x" * GRAIN),
        "clusters without end": ([2 * GRAIN], one_cluster),
    }
    for entry in (3 * GRAIN + 512, 9 * GRAIN, 0x00FFFFFFFFFF0000, 1 << 62 | 9 * GRAIN, 2**63 - 1):
        table = (bytes(8) + entry.to_bytes(8, "big")).ljust(GRAIN, b"\0") + b"\xff" * GRAIN
        made[f"a cluster at {entry:#x}"] = ([2 * GRAIN], table)
    return {
        name: test_qcow2_reader.qcow2_of(l1, 512 * MIB * len(l1), rest)
        for name, (l1, rest) in made.items()
    }


@case(
    "V06",
    "a qcow2 image whose tables never end, whose clusters are elsewhere, or that is cut",
    "DiskFormatError that names the file, and nothing is made",
    faces=HERE,
    variants={name: PLAIN[name] for name in ("raw", "vmdk")},
)
def hostile_images(world: World, options: dict[str, Any]) -> None:
    path = world.folder / "disk.qcow2"
    image.convert(_raw(world), path, qcow2_compression="deflate")
    whole = path.read_bytes()
    cuts = {f"cut at {keep}": whole[:keep] for keep in (3, 71, 103, 4096, len(whole) // 2)}
    for content in [*_qcow2_lies().values(), *cuts.values()]:
        path.write_bytes(content)
        with world.fails(DiskFormatError, says=r"disk\.qcow2", ends=()):
            image.convert(path, world.target / "new", source_format="qcow2", **options)


@case(
    "V07",
    "each byte of the header of a qcow2 image is another, one after the other",
    "an error of ours or a disk, and no more of it than the file can have",
    faces=HERE,
    deadline=60.0,
)
def each_header_byte(world: World) -> None:
    path, new = world.folder / "disk.qcow2", world.target / "new.raw"
    image.convert(_raw(world, MIB), path)
    whole = path.read_bytes()
    for at in range(112):
        changed = bytearray(whole)
        changed[at] ^= 1 << world.random.randrange(8)
        path.write_bytes(changed)
        try:
            made = image.convert(path, new, source_format="qcow2")
        except (NfcError, ValueError, OSError) as error:
            world.texts.append(str(error))
        else:
            world.expect(made.populated <= 64 * len(whole), f"byte {at}: not more than there is")
            new.unlink()
    world.expect(world.texts, "some were refused")


@case(
    "V08",
    "the file system of an image is full in the middle of a conversion",
    "OSError with ENOSPC, no image",
    faces=HERE,
    variants=PLAIN,
    within=small_disk,
    needs=needs_mount,
)
def full_target(world: World, options: dict[str, Any]) -> None:
    world.write_below(world.own)
    source = _raw(world, 4 * MIB, "disk.img")
    if options["to"] == "raw":
        source = by_vmware_of(world, source)
    with world.fails(OSError, errno=errno.ENOSPC, ends=()):
        image.convert(source, world.target / "new", **options)


def by_vmware_of(world: World, raw: Path) -> Path:
    """The streamOptimized disk of a raw one."""
    image.convert(raw, world.folder / "disk.vmdk")
    return world.folder / "disk.vmdk"


def needs_loop_device() -> str:
    """Why a block device cannot be made here; empty where it can."""
    if not shutil.which("losetup"):
        return "no losetup"
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(MIB)
        made = subprocess.run(
            ["losetup", "--find", "--show", file.name], capture_output=True, text=True
        )
        if made.returncode:
            return "no loop device can be had"
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)
    return ""


@case(
    "V09",
    "a block device that is smaller than the disk",
    "an OSError before its first byte is another",
    faces=HERE,
    needs=needs_loop_device,
)
def small_device(world: World) -> None:
    source = by_vmware_of(world, _raw(world))
    below = world.folder / "below"
    below.write_bytes(b"\xff" * (3 * MIB))
    with loop_device(below) as device, world.fails(OSError, errno=errno.ENOSPC, ends=()):
        image.convert(source, device, block_device=True)
    world.expect(below.read_bytes() == b"\xff" * (3 * MIB), "what was on it is there")


@case(
    "V10",
    "the process is killed with SIGKILL at points of a conversion, and it is done again",
    "the final name is absent or the whole image; what a kill leaves does not hinder the next one",
    faces=HERE,
    variants=PLAIN,
    deadline=90.0,
)
def killed(world: World, options: dict[str, Any]) -> None:
    source = by_vmware_of(world, _raw(world, 24 * MIB))
    new = world.target / "new"
    whole = (world.folder / "disk.raw").read_bytes()
    command = [sys.executable, "-m", "nfclease", "convert", str(source), str(new)]
    command += ["--to", options["to"], "--overwrite"]
    for _ in range(6):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        part = new.with_name("new.part")
        wait_for(lambda: part.exists() or child.poll() is not None)  # noqa: B023 - waited for here
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(world.random.uniform(0, 0.1))
        child.kill()
        child.wait()
        if new.exists():
            world.expect(_plain(world, new, options) == whole, "the image is whole")
    done = subprocess.run(command, capture_output=True, text=True)
    world.expect(done.returncode == 0, f"it can be done again: {done.stderr[-300:]}")
    world.expect(_plain(world, new, options) == whole, "the last image is whole")


def _plain(world: World, made: Path, options: dict[str, Any]) -> bytes:
    """The bytes of the disk in an image."""
    read = world.folder / "read.raw"
    image.convert(made, read, source_format=options["to"], to="raw", overwrite=True)
    return read.read_bytes()


@case(
    "V11",
    "a transplant of a disk with a damaged grain, with and without grains=True",
    "with it DiskFormatError that names the sector; without it the data are moved as they are, "
    "as the page on images says, and verify finds the damage",
    faces=HERE,
)
def damaged_transplant(world: World) -> None:
    source, _ = _small(world)
    data = bytearray(source.read_bytes())
    [at] = [at for at, sector, _ in grains_of(data) if sector == 3 * 128]
    data[at + 100] ^= 4
    source.write_bytes(data)
    image.convert(source, world.folder / "moved.qcow2", qcow2_compression="transplant")
    world.expect(not nfclease.verify(source, grains=True).ok, "verify finds it")
    with world.fails(DiskFormatError, says="sector 384", ends=()):
        image.convert(
            source, world.target / "new.qcow2", qcow2_compression="transplant", grains=True
        )


@case(
    "V12",
    "a disk of 2 TiB with three grains, and one whose every grain is 64 KiB of zeros in 90 bytes",
    "it is converted within the bound of memory, and what is zero takes no room",
    faces=HERE,
)
def bombs(world: World) -> None:
    large, zeros = world.folder / "large.vmdk", world.folder / "zeros.vmdk"
    large.write_bytes(stream({0: b"a", 9: b"b", 2**25 - 1: b"c"}, 2 << 40))
    zeros.write_bytes(stream(dict.fromkeys(range(2048), b""), 2048 * GRAIN))
    for source, size in ((large, 2 << 40), (zeros, 2048 * GRAIN)):
        new = world.target / f"{source.stem}.raw"
        image.convert(source, new)
        found = new.stat()
        world.expect(found.st_size == size, f"{source.stem} has its size")
        world.expect(found.st_blocks * 512 <= 8 * GRAIN, f"{source.stem} takes no room")
        new.unlink()


@case(
    "V13",
    "a disk that is cut at each of its sectors",
    "verify to the grain says of none that it is whole, and raises nothing that is not ours",
    faces=HERE,
    deadline=60.0,
)
def cut_at_each_sector(world: World) -> None:
    path, _ = _small(world)
    content = path.read_bytes()
    world.expect(nfclease.verify(path, grains=True).ok, "whole it is right")
    for length in range(0, len(content), SECTOR):
        path.write_bytes(content[:length])
        try:
            found = nfclease.verify(path, grains=True)
            world.expect(not found.ok, f"{length} bytes are not all of it")
        except NfcError as error:
            world.texts += [repr(error), str(error)]


@case(
    "V14",
    "eight threads read a disk at any place, and it is closed under them",
    "each read has the right bytes, or is a ValueError that it is closed",
    faces=HERE,
)
def closed_under_threads(world: World) -> None:
    path, plain = _small(world)
    odd: list[str] = []
    file = image.open(path)
    begun = threading.Semaphore(0)

    def read(seed: int) -> None:
        chance = random.Random(seed)
        begun.release()
        while True:
            at = chance.randrange(len(plain))
            try:
                found = file.read_at(at, 5000)
            except ValueError:
                return
            except Exception as error:
                odd.append(repr(error))
                return
            if found != plain[at : at + 5000]:
                odd.append(f"other bytes at {at}")

    threads = [threading.Thread(target=read, args=[seed]) for seed in range(8)]
    for thread in threads:
        thread.start()
    for _ in threads:
        begun.acquire()
    file.read_at(0, 1)
    file.close()
    for thread in threads:
        thread.join()
    world.expect(not odd, f"nothing else came: {odd[:3]}")


@case(
    "V15",
    "a disk that is open is cut underneath",
    "an error of ours or an OSError for what is gone, and never other bytes",
    faces=HERE,
)
def cut_underneath(world: World) -> None:
    path, plain = _small(world)
    with image.open(path) as file:
        os.truncate(path, 140 * SECTOR)
        failed = 0
        for at in range(0, len(plain), GRAIN):
            try:
                found = file.read_at(at, GRAIN)
            except (NfcError, OSError) as error:
                failed += 1
                world.texts += [repr(error), str(error)]
            else:
                world.expect(found == plain[at : at + GRAIN], f"the bytes at {at}")
    world.expect(failed, "what is gone is told")


@case(
    "V16",
    "numbers in the tables of a disk that is opened lie",
    "an error of ours at once or at the read, never a hang and never memory without end",
    faces=HERE,
    variants=test_open_damaged.LIES,
)
def lying_tables(world: World, lie: Callable[[bytearray], None]) -> None:
    path = by_vmware(world.folder / "disk.vmdk")
    data = bytearray(path.read_bytes())
    lie(data)
    path.write_bytes(data)
    with world.fails(DiskFormatError, says=r"disk\.vmdk", ends=()), image.open(path) as file:
        while file.read(MIB):
            pass


def _grow(path: Path) -> None:
    os.truncate(path, path.stat().st_size + MIB)


def _write(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"another word")


CHANGES: dict[str, tuple[Callable[[Path], None], type[NfcError]]] = {
    "grows": (_grow, SizeMismatchError),
    "is written to": (_write, SourceChangedError),
}


@case(
    "V17",
    "a raw disk grows, or is written to in place, while it is converted",
    "SizeMismatchError or SourceChangedError, and no image of half of each",
    faces=HERE,
    variants={
        f"{what}, {to}": (change, PLAIN[to])
        for what, change in CHANGES.items()
        for to in ("qcow2", "vmdk")
    },
    deadline=60.0,
)
def source_changes(
    world: World, how: tuple[tuple[Callable[[Path], None], type[NfcError]], dict[str, Any]]
) -> None:
    (change, kind), options = how
    source, new = _raw(world, 96 * MIB), world.target / "new"

    def alter() -> None:
        wait_for(new.with_name("new.part").exists)
        change(source)

    thread = threading.Thread(target=alter)
    thread.start()
    with world.fails(kind, says=r"disk\.raw", ends=()):
        image.convert(source, new, **options)
    thread.join()


@case(
    "V18",
    "a raw disk of a package is to be sent as a stream, and the disk is too full to make that",
    "OSError with ENOSPC before a lease is opened",
    faces=IMPORTS,
    within=small_disk,
    needs=lambda: "" if can_mount() else "no user may mount anything here",
)
def no_room_to_convert(world: World) -> None:
    data = world.random.randbytes(4 * MIB)
    world.package = written(world.folder / "package", package_of("disk.raw", data, 4 * MIB))
    before, tempfile.tempdir = tempfile.tempdir, str(world.own)
    try:
        with world.fails(OSError, errno=errno.ENOSPC, ends=()):
            world.job(convert=True)
    finally:
        tempfile.tempdir = before
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")
    world.expect(not list(world.own.iterdir()), "nothing is left where it was made")


ODD: dict[str, tuple[Callable[[Path], object], type[BaseException]]] = {
    "empty": (lambda path: path.write_bytes(b""), ValueError),
    "missing": (lambda path: None, FileNotFoundError),
    "a directory": (lambda path: path.mkdir(), IsADirectoryError),
    "a pipe": (lambda path: os.mkfifo(path), OSError),
    "without an end": (lambda path: path.symlink_to("/dev/zero"), OSError),
}


@case(
    "V19",
    "a raw disk that is empty, missing, a directory, a pipe, or without an end",
    "ValueError or OSError at once",
    faces=HERE,
    variants=ODD,
)
def odd_sources(world: World, how: tuple[Callable[[Path], object], type[BaseException]]) -> None:
    make, kind = how
    path = world.folder / "disk.raw"
    make(path)
    with world.fails(kind, says=r"disk\.raw", ends=()):
        image.convert(path, world.target / "new.qcow2")


@case(
    "V20",
    "one of three targets of a download is there already, or its grains are damaged on the way",
    "none of the three has its name",
    faces=HERE,
    variants={"there": False, "damaged": True},
)
def several_targets(world: World, damaged: bool) -> None:
    from nfclease import ChecksumMismatchError, HttpNfcLease

    from ...support.leases import disk_of
    from ..harness.world import DISK

    if damaged:
        world.simulator.inject("manifest", disk=DISK, sha1="0" * 40)
    else:
        (world.target / "disk.qcow2").write_bytes(b"an older image")
        world.before = {**world.before, **_now(world)}
    kind: type[Exception] = ChecksumMismatchError if damaged else FileExistsError
    also: dict[Any, Any]
    also = {world.target / "disk.qcow2": "qcow2", world.target / "disk.raw": "raw"}
    with world.fails(kind), HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        lease.download(disk_of(lease), world.target / "new.vmdk", also=also)


def _now(world: World) -> dict[str, str]:
    from ..harness.invariants import tree_of

    return dict(tree_of(world.target))
