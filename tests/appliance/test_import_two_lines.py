"""Manifest files with several lines for a file, one for each algorithm: an import compares each."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of, vm_names
from ..support.inventory import unique
from ..support.leases import endings
from ..support.packages import manifest, ova, package, stream_disk
from ..support.web import serving

Members = dict[str, bytes]
DISK = stream_disk()


def lines(members: Members, *algorithms: str, wrong: tuple[str, str] | None = None) -> Members:
    """The members with a manifest file of a line for each file and algorithm.

    The line of ``wrong``, an algorithm and a file's name, is about another file.
    """
    files = {name: data for name, data in members.items() if name != "demo.mf"}
    listed = b""
    for algorithm in algorithms:
        false = {name: b"another" for name in files if (algorithm, name) == wrong}
        listed += manifest({**files, **false}, algorithm)
    return {"demo.ovf": files.pop("demo.ovf"), "demo.mf": listed, **files}


def late(members: Members) -> Members:
    """The manifest file behind all others."""
    found = dict(members)
    manifest_file = found.pop("demo.mf")
    return {**found, "demo.mf": manifest_file}


def pieces(members: Members) -> Iterator[bytes]:
    data = ova(members)
    return (data[at : at + 5000] for at in range(0, len(data), 5000))


def at_path(members: Members, folder: Path) -> Any:
    path = folder / "demo.ova"
    path.write_bytes(ova(members))
    return path


SOURCES: dict[str, Callable[[Members, Path], Any]] = {
    "file": at_path,
    "stream": lambda members, folder: pieces(members),
    "stream, manifest file last": lambda members, folder: pieces(late(members)),
}

#: What a server sums, the algorithms in their order, and whose line is wrong.
LIES = [
    ("sha1", ("sha1", "sha256"), "sha256"),
    ("sha1", ("sha1", "sha256"), "sha1"),
    ("sha1", ("sha256", "sha1"), "sha1"),
    ("sha256", ("sha256", "sha1"), "sha1"),
    ("sha256", ("sha1", "sha256"), "sha256"),
]


def options_of(server: str) -> dict[str, Any]:
    return {} if server == "sha1" else {"checksum_type": server}


@pytest.mark.parametrize(
    ("kind", "server", "algorithms", "wrong"),
    [
        (kind, *lie)
        for kind in SOURCES
        for lie in LIES
        # Before that manifest file comes, nobody computes SHA-1 beside a server's SHA-256.
        if not ("last" in kind and lie[0] == "sha256" and lie[2] == "sha1")
    ],
)
def test_one_line_of_a_disk_lies(
    imported: Importing,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    kind: str,
    server: str,
    algorithms: tuple[str, ...],
    wrong: str,
) -> None:
    source = SOURCES[kind](lines(package(), *algorithms, wrong=(wrong, "disk.vmdk")), tmp_path)
    name = unique("lie")
    with pytest.raises(nfclease.ChecksumMismatchError, match=r"disk\.vmdk.*manifest file") as seen:
        imported(source, name=name, **options_of(server))
    assert seen.value.checksum_type == wrong
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert name not in vm_names(service)


@pytest.mark.parametrize("kind", SOURCES)
def test_one_line_of_the_descriptor_lies(
    imported: Importing, simulator: Simulator, service: Any, tmp_path: Path, kind: str
) -> None:
    members = lines(package(), "sha1", "sha512", wrong=("sha512", "demo.ovf"))
    name = unique("lie")
    with pytest.raises(nfclease.ChecksumMismatchError, match=r"demo\.ovf.*manifest file"):
        imported(SOURCES[kind](members, tmp_path), name=name)
    # Where the manifest file comes last, that is known after the disk is sent.
    assert endings(simulator) == (["HttpNfcLeaseAbort"] if "last" in kind else [])
    assert calls_of(simulator, "ImportVApp") == ("last" in kind)
    assert name not in vm_names(service)


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("algorithms", [("sha1", "sha256"), ("sha256", "sha1")])
@pytest.mark.parametrize("server", ["sha1", "sha256"])
def test_all_lines_are_right(
    imported: Importing, tmp_path: Path, kind: str, algorithms: tuple[str, ...], server: str
) -> None:
    source = SOURCES[kind](lines(package(), *algorithms), tmp_path)
    is_known = server == "sha1" or "last" not in kind
    result = imported(source, name=unique("two"), strict=is_known, **options_of(server))
    assert bool([note for note in result.notes if "its sha1, which was not" in note]) != is_known
    [file] = result.files
    assert file.file_checksum_type == "sha256"


def test_a_stronger_line_is_compared_beside_the_server_s(
    imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    members = lines(package(), "sha1", "sha512", wrong=("sha512", "disk.vmdk"))
    with pytest.raises(nfclease.ChecksumMismatchError):
        imported(at_path(members, tmp_path), name=unique("lie"))
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("kind", SOURCES)
def test_a_line_that_is_not_compared_is_a_note(
    imported: Importing, simulator: Simulator, tmp_path: Path, kind: str
) -> None:
    members = lines(package(), "sha1", "sha256", "sha512")
    result = imported(SOURCES[kind](members, tmp_path), name=unique("three"))
    [note] = [note for note in result.notes if "which was not computed" in note]
    assert note.startswith("disk.vmdk: ")
    imports = calls_of(simulator, "ImportVApp")
    with pytest.raises(nfclease.PackageError, match="which was not computed"):
        imported(SOURCES[kind](members, tmp_path), name=unique("three"), strict=True)
    assert calls_of(simulator, "ImportVApp") == imports + ("last" in kind)
    assert calls_of(simulator, "HttpNfcLeaseComplete") == 1


def test_all_lines_of_what_is_read_before_it_is_sent(
    imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    """What is packed, and what no upload reads."""
    packed = package(
        {"disk.vmdk.gz": gzip.compress(DISK), "cd.iso": b"i" * 3000},
        disks=["disk.vmdk.gz"],
        file_attributes='ovf:compression="gzip"',
    )
    every = ("sha1", "sha256", "sha512")
    for name in ("disk.vmdk.gz", "cd.iso"):
        members = lines(packed, *every, wrong=("sha512", name))
        with pytest.raises(nfclease.ChecksumMismatchError, match=name):
            imported(at_path(members, tmp_path), name=unique("lie"))
    assert calls_of(simulator, "ImportVApp") == 0


@pytest.mark.parametrize("wrong", ["sha1", "sha256", None])
@pytest.mark.parametrize("algorithms", [("sha1", "sha256"), ("sha256", "sha1")])
def test_a_host_that_fetches_it_itself(
    imported: Importing,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    algorithms: tuple[str, ...],
    wrong: str | None,
) -> None:
    lie = (wrong, "disk.vmdk") if wrong else None
    members, name = lines(package(), *algorithms, wrong=lie), unique("pulled")
    with serving({"demo.ova": ova(members)}, tmp_path) as web:
        options = {"name": name, "pull": True, "ca_file": web.ca_file, "strict": True}
        if wrong is None:
            [file] = imported(web.url("demo.ova"), **options).files
            assert file.file_checksum_type == "sha256"
            return
        with pytest.raises(nfclease.ChecksumMismatchError, match=r"disk\.vmdk.*manifest file"):
            imported(web.url("demo.ova"), **options)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert name not in vm_names(service)
