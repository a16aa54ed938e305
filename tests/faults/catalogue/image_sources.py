"""V: the raw disk that becomes an image changes, or is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nfclease import (
    NfcError,
    SizeMismatchError,
    SourceChangedError,
    image,
)

from ...support.waiting import meanwhile
from ..harness.case import case
from ..harness.disks import HERE, MIB, PLAIN, raw_disk
from ..harness.world import World


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
    source, new = raw_disk(world, 96 * MIB), world.target / "new"

    with (
        meanwhile(new.with_name("new.part").exists, lambda: change(source)),
        world.fails(kind, says=r"disk\.raw", ends=()),
    ):
        image.convert(source, new, **options)


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
