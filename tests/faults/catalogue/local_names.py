"""L: where an export writes is missing, is a link, is swapped, or has an older file."""

from __future__ import annotations

from pathlib import Path

from nfclease import HttpNfcLease, HttpStatusError

from ...support.leases import disk_of
from ...support.waiting import meanwhile
from ..harness.case import LEASES, case
from ..harness.world import DISK, DISK_SIZE, World

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
    world.keep()
    world.target = world.target / ("file" if kind is NotADirectoryError else "missing") / "more"
    calls = len(world.simulator.calls("ExportVm"))
    with world.fails(kind, ends=()):
        world.job()
    world.expect(len(world.simulator.calls("ExportVm")) == calls, "no lease was opened")
    world.target = world.folder / "target"


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


def _part(world: World) -> Path:
    return world.target / "disk-0.vmdk.part"


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
        world.target.rename(world.folder / "moved")
        world.target.symlink_to(elsewhere)

    with (
        meanwhile(_part(world).exists, swap),
        world.fails(FileNotFoundError, says="the directory"),
    ):
        world.job()
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
    world.simulator.inject("status", disk=DISK, code=410)
    kind: type[Exception] = HttpStatusError if overwrite else FileExistsError
    with world.fails(kind), HttpNfcLease(world.vm.ExportVm(), max_retries=0) as lease:
        lease.download(disk_of(lease), world.target / "disk-0.vmdk", overwrite=overwrite)
