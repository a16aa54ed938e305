"""Files of a package that are elsewhere: links out of its directory, paths, devices, FIFOs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image
from nfclease.simulator import Simulator

from ..support.importing import Importing
from ..support.inventory import unique
from ..support.packages import END, entry, package, stream_disk, written

pytestmark = pytest.mark.skipif(os.name == "nt", reason="not run: links want a privilege there")

DISK = stream_disk()


def _swapped(folder: Path, name: str, to: str | Path) -> Path:
    """The package, where one file of it is a link; what it was is beside the package."""
    made = written(folder / "package", package())
    (made / name).rename(folder / f"outside-{name}")
    (made / name).symlink_to(to)
    return made


def _below_a_linked_folder(folder: Path) -> Path:
    made = written(folder / "package", package({"sub/disk.vmdk": DISK}))
    (made / "sub").rename(folder / "outside")
    (made / "sub").symlink_to("../outside")
    return made


def _href(folder: Path, href: str) -> Path:
    """A package whose descriptor says that its disk is there, and has no manifest file."""
    members = package(algorithm=None)
    text = members["demo.ovf"].replace(b'ovf:href="disk.vmdk"', f'ovf:href="{href}"'.encode())
    (folder / "disk.vmdk").write_bytes(DISK)
    return written(folder / "package", {**members, "demo.ovf": text})


def _special(folder: Path, make: Callable[[Path], object]) -> Path:
    made = written(folder / "package", package())
    (made / "disk.vmdk").unlink()
    make(made / "disk.vmdk")
    return made


def _archive(folder: Path, name: str, **header: Any) -> Path:
    path = folder / "demo.ova"
    path.write_bytes(
        entry("demo.ovf", package(algorithm=None)["demo.ovf"]) + entry(name, **header) + END
    )
    return path


UNSAFE: dict[str, Callable[[Path], Path]] = {
    "link": lambda folder: _swapped(folder, "disk.vmdk", "../outside-disk.vmdk"),
    "absolute link": lambda folder: _swapped(folder, "disk.vmdk", folder / "outside-disk.vmdk"),
    "linked folder": _below_a_linked_folder,
    "manifest file": lambda folder: _swapped(folder, "demo.mf", "../outside-demo.mf"),
    "descriptor": lambda folder: _swapped(folder, "demo.ovf", "../outside-demo.ovf"),
    "above": lambda folder: _href(folder, "../disk.vmdk"),
    "above, encoded": lambda folder: _href(folder, "%2e%2e/disk.vmdk"),
    "absolute": lambda folder: _href(folder, f"{folder}/disk.vmdk"),
    "address": lambda folder: _href(folder, f"file://{folder}/disk.vmdk"),
    "member above": lambda folder: _archive(folder, "../disk.vmdk", data=DISK),
}
BROKEN: dict[str, Callable[[Path], Path]] = {
    "FIFO": lambda folder: _special(folder, os.mkfifo),
    "folder": lambda folder: _special(folder, Path.mkdir),
    "member link": lambda folder: _archive(folder, "disk.vmdk", type=b"2", linkname="/etc/passwd"),
    "member device": lambda folder: _archive(folder, "disk.vmdk", type=b"3"),
}

#: A descriptor may say so much; the file is then one that the package does not have.
ADDRESSED = ("above", "above, encoded", "absolute", "address")


@pytest.fixture
def imported(demo_vm: Any) -> Importing:
    """On one face: what judges a package is below both."""
    return Importing("blocking", demo_vm)


@pytest.mark.parametrize("which", UNSAFE)
def test_an_import(imported: Importing, simulator: Simulator, tmp_path: Path, which: str) -> None:
    """No byte of the file is sent, and there was no lease."""
    with pytest.raises((nfclease.UnsafePathError, nfclease.PackageError)) as raised:
        imported(UNSAFE[which](tmp_path), name=unique("leaving"))
    if which not in ADDRESSED:
        assert type(raised.value) is nfclease.UnsafePathError
    assert simulator.requests() == []
    assert simulator.calls("ImportVApp") == []


@pytest.mark.parametrize("which", UNSAFE)
def test_a_check(tmp_path: Path, which: str) -> None:
    """The file is named, and no sum of it is said."""
    result = nfclease.verify(UNSAFE[which](tmp_path))
    assert not result.ok
    assert any("outside" in each or "leaves" in each for each in result.problems)
    assert "disk.vmdk" not in {file.name for file in result.files}


@pytest.mark.parametrize("which", UNSAFE)
def test_a_look(tmp_path: Path, which: str) -> None:
    """Not even whether the file is there, and how long it is, can be seen."""
    source = UNSAFE[which](tmp_path)
    if which in ADDRESSED:
        [file] = nfclease.inspect(source).files
        assert (file.path, file.stored_size) == (None, None)
    else:
        with pytest.raises(nfclease.UnsafePathError):
            nfclease.inspect(source)


@pytest.mark.parametrize("which", UNSAFE)
def test_a_new_package(tmp_path: Path, which: str) -> None:
    with pytest.raises((nfclease.UnsafePathError, nfclease.PackageError)):
        image.normalise(UNSAFE[which](tmp_path), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("which", BROKEN)
def test_what_is_not_a_file(
    imported: Importing, simulator: Simulator, tmp_path: Path, which: str
) -> None:
    """A FIFO would be waited for without end."""
    with pytest.raises((OSError, nfclease.PackageError)):
        imported(BROKEN[which](tmp_path), name=unique("leaving"))
    assert simulator.calls("ImportVApp") == []


def _linked_descriptor(folder: Path) -> Path:
    written(folder / "package", package())
    (folder / "newest.ovf").symlink_to("package/demo.ovf")
    return folder / "newest.ovf"


def _below_a_link(folder: Path) -> Path:
    written(folder / "real" / "package", package())
    (folder / "link").symlink_to("real")
    return folder / "link" / "package"


def _linked_inside(folder: Path) -> Path:
    made = _swapped(folder, "disk.vmdk", folder / "package" / "data" / "disk")
    (made / "data").mkdir()
    (folder / "outside-disk.vmdk").rename(made / "data" / "disk")
    return made


GOOD: dict[str, Callable[[Path], Path]] = {
    "descriptor that is a link": _linked_descriptor,
    "directory below a link": _below_a_link,
    "descriptor below a link": lambda folder: _below_a_link(folder) / "demo.ovf",
    "link inside": _linked_inside,
}


@pytest.mark.parametrize("which", GOOD)
def test_links_that_stay(imported: Importing, tmp_path: Path, which: str) -> None:
    source = GOOD[which](tmp_path)
    assert nfclease.verify(source).ok
    assert [file.verified for file in imported(source, name=unique("staying")).files] == [
        "manifest"
    ]


def test_a_relative_path(
    imported: Importing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(written(tmp_path / "package", package()))
    for source in ("demo.ovf", "./demo.ovf", "."):
        assert nfclease.verify(source).ok
        assert imported(source, name=unique("relative")).files
