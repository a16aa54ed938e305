"""Packages that arrive in order and are read once: a pipe, an iterator of bytes."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nfclease import LimitExceededError, PackageError, UnsafePathError, _core
from nfclease.appliance._stream import StreamEnd, is_stream

from ..support.packages import END, entry, ova, package, reordered, stream_disk

DISKS = {"disk1.vmdk": stream_disk(300), "disk2.vmdk": stream_disk(200, seed=2)}
MEMBERS = package(DISKS)


def arriving(source: Any) -> _core.Incoming:
    return _core.Incoming.of_stream(StreamEnd(source), name="<stream>")


def pieces(data: bytes, size: int = 1000) -> Iterator[bytes]:
    yield b""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def saved(found: _core.Incoming, folder: Path) -> dict[str, bytes]:
    found.save(folder)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


TAKEN = {
    "plain": ova(MEMBERS),
    "gnu": ova(MEMBERS, tarfile.GNU_FORMAT),
    "pax": ova(MEMBERS, tarfile.PAX_FORMAT),
    "manifest_last": reordered(MEMBERS, "demo.ovf", *DISKS, "demo.mf"),
    "manifest_first": reordered(MEMBERS, "demo.mf", "demo.ovf", *DISKS),
    "no_manifest": reordered(MEMBERS, "demo.ovf", *DISKS),
    "in_a_folder": ova({f"x/{name}": data for name, data in MEMBERS.items()}),
    "no_end_blocks": b"".join(entry(*member) for member in MEMBERS.items()),
    "more_behind_the_end": ova(MEMBERS) + bytes(1 << 20),
}


@pytest.mark.parametrize("size", [1, 511, 1 << 22])
def test_pieces_of_any_size(size: int, tmp_path: Path) -> None:
    small = package({"disk.vmdk": stream_disk(2)})
    assert saved(arriving(pieces(ova(small), size)), tmp_path) == small


@pytest.mark.parametrize("case", TAKEN)
def test_taken(case: str, tmp_path: Path) -> None:
    found = arriving(pieces(TAKEN[case]))
    assert found.in_order
    assert found.descriptor == MEMBERS["demo.ovf"]
    assert (found.manifest is None) == (case in ("manifest_last", "no_manifest"))
    found.finish()
    assert found.manifest == (None if case == "no_manifest" else MEMBERS["demo.mf"])
    again = saved(arriving(pieces(TAKEN[case])), tmp_path)
    assert {Path(name).name: data for name, data in again.items()} == {
        name: data for name, data in MEMBERS.items() if case != "no_manifest" or name != "demo.mf"
    }


REFUSED: dict[str, tuple[bytes, type[Exception], str]] = {
    "descriptor_late": (
        reordered(MEMBERS, "disk1.vmdk", "demo.ovf"), PackageError, "before the descriptor",
    ),
    "no_descriptor": (ova({"a.mf": b"x"}), PackageError, r"no \.ovf"),
    "empty": (b"", PackageError, "empty"),
    "zip": (b"PK\3\4" + bytes(600), PackageError, "zip"),
    "page": (b"<html><body>log in</body></html>" + bytes(600), PackageError, "HTML"),
    "descriptor_alone": (MEMBERS["demo.ovf"], PackageError, "without its files"),
    "damaged": (b"x" * 2000, PackageError, "damaged"),
    "outside": (ova({"../demo.ovf": b"x"}), UnsafePathError, "leaves"),
    "large_descriptor": (
        entry("demo.ovf", size=1 << 40)[:512] + bytes(1 << 20), LimitExceededError, "descriptor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_at_once(case: str) -> None:
    data, kind, text = REFUSED[case]
    with pytest.raises(kind, match=text):
        arriving(pieces(data))


LINK = entry("a", type=b"2", linkname="b")
LATER: dict[str, tuple[bytes, str]] = {
    "cut": (ova(MEMBERS)[:-60_000], "missing"),
    "twice": (b"".join(entry(*member) for member in [*MEMBERS.items(), ("disk1.vmdk", b"x")]) + END,
              "twice"),
    "link": (entry("demo.ovf", MEMBERS["demo.ovf"]) + LINK + END, "link"),
}  # fmt: skip


@pytest.mark.parametrize("case", LATER)
def test_refused_when_it_comes(case: str) -> None:
    data, text = LATER[case]
    with pytest.raises(PackageError, match=text):
        arriving(pieces(data)).finish()


def test_files_in_their_order_alone() -> None:
    found = arriving(pieces(ova(MEMBERS)))
    found.source("./disk2.vmdk")
    with pytest.raises(PackageError, match="gone by"):
        found.source("disk1.vmdk")
    with pytest.raises(PackageError, match="did not come"):
        found.source("disk3.vmdk")
    with pytest.raises(UnsafePathError):
        found.source("../disk1.vmdk")


def test_an_href_is_a_uri() -> None:
    members = {"demo.ovf": MEMBERS["demo.ovf"], "a b.vmdk": b"x", "c%20d.vmdk": b"y"}
    found = arriving(pieces(ova(members)))
    found.source("a%20b.vmdk")
    found.source("c%20d.vmdk")


def test_a_pipe(tmp_path: Path) -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as file:
            file.write(ova(MEMBERS))

    writer = threading.Thread(target=write)
    writer.start()
    with open(reading, "rb") as file:
        assert is_stream(file)
        found = saved(arriving(file), tmp_path)
    writer.join(60)
    assert found == MEMBERS


class Fails(io.RawIOBase):
    def __init__(self, read: Callable[[], Any]) -> None:
        self._give = read

    def read(self, size: int = -1) -> Any:
        return self._give()


def test_what_a_stream_raises_comes_out() -> None:
    def broken() -> bytes:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        arriving(Fails(broken))
    with pytest.raises(BlockingIOError):
        arriving(Fails(lambda: None))
    with pytest.raises(TypeError, match="list"):
        arriving(Fails(lambda: [1]))
    with pytest.raises(TypeError):
        arriving(io.StringIO("text"))


def test_what_is_a_stream(tmp_path: Path) -> None:
    assert is_stream(iter([b""]))
    assert is_stream(Fails(lambda: b""))
    for other in ("x.ova", tmp_path, b"x", io.BytesIO(), 3, None):
        assert not is_stream(other), other
