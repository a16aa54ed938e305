"""L: what an import reads changes while it is sent, or is no file."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from nfclease import SizeMismatchError, SourceChangedError, UnsafePathError

from ...support.packages import ova, written
from ...support.waiting import meanwhile
from ..harness.case import IMPORTS, case
from ..harness.world import World


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

    with (
        meanwhile(world.simulator.requests, lambda: alter(file)),
        world.fails(kind, says=rf"disk-0\.vmdk|{re.escape(file.name)}"),
    ):
        world.job()


def _directory(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


SOURCES: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "a pipe": (os.mkfifo, OSError),
    "a socket": (_socket, OSError),
    "a directory": (_directory, IsADirectoryError),
    # Whatever it leads to: what is no file of the package is not sent.
    "a link to /dev/zero": (_zero, UnsafePathError),
}


@case(
    "L15",
    "the disk of a package is a pipe, a socket, a directory, or a link to what has no end",
    "an OSError that names the file, or UnsafePathError of a link, before a lease is opened",
    faces=IMPORTS,
    variants=SOURCES,
)
def odd_sources(world: World, how: tuple[Callable[[Path], object], type[Exception]]) -> None:
    make, kind = how
    copy = world.folder / "package"
    shutil.copytree(world.package, copy)
    world.package = copy
    [disk] = copy.glob("*.vmdk")
    disk.unlink()
    make(disk)
    with world.fails(kind, says=r"disk-0\.vmdk", ends=()):
        world.job()
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")
