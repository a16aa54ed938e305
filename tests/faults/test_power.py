"""That the model of a loss of power sees what a program forgot to sync."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness.file_calls import Replay, disk_of, file_calls
from .harness.power import Disk
from .harness.tracing import needs_tracing

pytestmark = pytest.mark.skipif(bool(needs_tracing()), reason=f"not run: {needs_tracing()}")


def is_final(name: str) -> bool:
    return ".part" not in name


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    os.fsync(opened)
    os.close(opened)


def careful(root: Path) -> None:
    """As it has to be done."""
    (root / "disk.part").write_bytes(b"new")
    _sync(root / "disk.part")
    (root / "disk.part").rename(root / "disk")
    _sync(root)


def bytes_unsynced(root: Path) -> None:
    (root / "disk.part").write_bytes(b"new")
    (root / "disk.part").rename(root / "disk")
    _sync(root)


def written_after_the_sync(root: Path) -> None:
    with open(root / "disk.part", "wb") as file:
        os.fsync(file.fileno())
        file.write(b"new")
    (root / "disk.part").rename(root / "disk")
    _sync(root)


def name_unsynced(root: Path) -> None:
    (root / "disk.part").write_bytes(b"new")
    _sync(root / "disk.part")
    (root / "disk.part").rename(root / "disk")


def names_of_a_package_unsynced(root: Path) -> None:
    (root / "package.part").mkdir()
    (root / "package.part" / "disk").write_bytes(b"new")
    _sync(root / "package.part" / "disk")
    (root / "package.part").rename(root / "package")
    _sync(root)


def old_package_removed_too_soon(root: Path) -> None:
    """Its name may still mean the old one, which is not whole any more."""
    (root / "package").rename(root / "package.part")
    (root / "package.part" / "disk").unlink()
    _sync(root)


def played(root: Path, work: Callable[[Path], None]) -> tuple[list[str], list[str], Disk]:
    """The flaws on the way, what is unsure at the end, and the model."""
    (root / "disk").write_bytes(b"old")
    (root / "package").mkdir(exist_ok=True)
    (root / "package" / "disk").write_bytes(b"old")
    if work is names_of_a_package_unsynced:
        (root / "package" / "disk").unlink()
        (root / "package").rmdir()
    disk, flaws, trace = disk_of(root), [], root.parent / "trace"
    with file_calls(trace):
        work(root)
    with trace.open() as lines:
        Replay(disk, lambda _: flaws.extend(disk.flaws(is_final))).play(iter(lines))
    return flaws, disk.unsure(is_final), disk


@pytest.mark.parametrize(
    ("work", "flaw", "unsure"),
    [
        (careful, "", []),
        (bytes_unsynced, "disk has bytes that may be lost", []),
        (written_after_the_sync, "disk has bytes that may be lost", []),
        (name_unsynced, "", ["disk"]),
        (names_of_a_package_unsynced, "package is a directory where disk may be missing", []),
        (old_package_removed_too_soon, "package is a directory where disk may be missing", []),
    ],
)
def test_what_was_not_synced(
    tmp_path: Path, work: Callable[[Path], None], flaw: str, unsure: list[str]
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    flaws, unsure_ones, _ = played(root, work)
    assert any(flaw in seen for seen in flaws) if flaw else flaws == []
    assert unsure_ones == unsure


def test_the_model_has_the_names_that_there_are(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    _, _, disk = played(root, careful)
    assert set(disk.tree.names) == {path.name for path in root.iterdir()}
