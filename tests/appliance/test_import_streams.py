"""Packages that come from afar, or once: addresses with and without Range, pipes, iterators."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of, vm_names
from ..support.inventory import unique
from ..support.leases import endings
from ..support.package_sources import pieces, pipe
from ..support.packages import ova, package, stream_disk
from ..support.web import serving

FILES = {"a.vmdk": stream_disk(300), "b.vmdk": stream_disk(100, 2), "c.vmdk": stream_disk(8, 3)}


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def reordered(members: dict[str, bytes]) -> dict[str, bytes]:
    """The manifest file behind all others."""
    manifest = members["demo.mf"]
    others = {name: data for name, data in members.items() if name != "demo.mf"}
    return {**others, "demo.mf": manifest}


Make = Callable[[bytes, ExitStack, Path], tuple[Any, dict[str, Any]]]


def at_web(ranges: bool) -> Make:
    def make(data: bytes, held: ExitStack, folder: Path) -> tuple[Any, dict[str, Any]]:
        web = held.enter_context(serving({"demo.ova": data}, folder, ranges=ranges))
        return web.url("demo.ova"), {"ca_file": web.ca_file}

    return make


SOURCES: dict[str, Make] = {
    "iterator": lambda data, held, folder: (pieces(data), {}),
    "pipe": lambda data, held, folder: (pipe(data, held), {}),
    "address": at_web(True),
    "address without Range": at_web(False),
}


def sums_of(simulator: Simulator) -> list[str]:
    return sorted(request["sha1"] for request in simulator.requests())


EXPECTED = sorted(hashlib.sha1(data).hexdigest() for data in FILES.values())


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("manifest", ["before", "behind"])
def test_a_source_from_afar(
    imported: Importing,
    simulator: Simulator,
    held: ExitStack,
    tmp_path: Path,
    kind: str,
    manifest: str,
) -> None:
    members = package(FILES)
    data = ova(members if manifest == "before" else reordered(members))
    source, options = SOURCES[kind](data, held, tmp_path)
    result = imported(source, name=unique("stream"), strict=manifest == "before", **options)
    assert [(file.name, file.size) for file in result.files] == [
        (name, len(data)) for name, data in FILES.items()
    ]
    assert {file.verified for file in result.files} == {"manifest"}
    assert {file.file_checksum_type for file in result.files} == {"sha256"}
    assert sums_of(simulator) == EXPECTED
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("manifest", ["before", "behind"])
def test_a_manifest_file_that_lies(
    imported: Importing,
    simulator: Simulator,
    service: Any,
    held: ExitStack,
    tmp_path: Path,
    kind: str,
    manifest: str,
) -> None:
    members = {**package(FILES), "c.vmdk": stream_disk(8, 4)}
    data = ova(members if manifest == "before" else reordered(members))
    source, options = SOURCES[kind](data, held, tmp_path)
    name = unique("lie")
    with pytest.raises(nfclease.ChecksumMismatchError, match="manifest file"):
        imported(source, name=name, **options)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert name not in vm_names(service)


def test_a_sum_that_nobody_computed(imported: Importing) -> None:
    """The manifest file comes last, with another digest than the usual one."""
    data = ova(reordered(package(FILES, algorithm="sha512")))
    result = imported(pieces(data), name=unique("sha512"))
    assert [note for note in result.notes if "which was not computed" in note]
    assert {file.file_checksum_type for file in result.files} == {None}


def test_strict_finds_no_manifest_file_behind(imported: Importing, simulator: Simulator) -> None:
    with pytest.raises(nfclease.PackageError, match="no manifest file"):
        imported(pieces(ova(package(FILES, algorithm=None))), name=unique("x"), strict=True)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


MORE = package({**FILES, "cd.iso": b"i" * 3000})
ODD_AT_ITS_END = {
    "a signature": ({**package(FILES), "demo.cert": b"x"}, "signature"),
    "what a Mac adds": ({**package(FILES), "._a.vmdk": b"Mac"}, r"\._a\.vmdk"),
    "a line without a file": (
        {**MORE, "demo.mf": MORE["demo.mf"] + f"SHA256(gone.iso)= {0:064}\n".encode()},
        r"gone\.iso: the manifest file lists it, and it is missing",
    ),
    "an unsent file": ({**MORE, "cd.iso": b"j" * 3000}, r"cd\.iso: .* nor compared"),
}


@pytest.mark.parametrize("odd", ODD_AT_ITS_END)
def test_what_is_odd_at_its_end(imported: Importing, simulator: Simulator, odd: str) -> None:
    """It is said after all was sent; with ``strict`` there is no VM."""
    members, note = ODD_AT_ITS_END[odd]
    data = ova(reordered(members))
    result = imported(pieces(data), name=unique("odd"))
    assert [each for each in result.notes if re.search(note, each)]
    with pytest.raises(nfclease.PackageError, match=note):
        imported(pieces(data), name=unique("strict"), strict=True)
    assert endings(simulator) == ["HttpNfcLeaseComplete", "HttpNfcLeaseAbort"]


@pytest.mark.parametrize("kind", ["iterator", "pipe", "address without Range"])
@pytest.mark.parametrize("verify_format", [True, False])
def test_a_disk_that_is_larger_than_it_is_to_become(
    imported: Importing,
    simulator: Simulator,
    held: ExitStack,
    tmp_path: Path,
    kind: str,
    verify_format: bool,
) -> None:
    """Its size is seen when it comes, and the next file is not sent."""
    members = package(FILES, algorithm=None)
    ovf = members["demo.ovf"].replace(b'ovf:capacity="1"', b'ovf:capacity="512"', 1)
    small = {**members, "demo.ovf": ovf.replace(b"byte * 2^20", b"byte * 2^10", 1)}
    source, options = SOURCES[kind](ova(small), held, tmp_path)
    with pytest.raises(nfclease.PackageError, match=r"a\.vmdk is a disk of .* only 524,288 of it"):
        imported(source, name=unique("small"), verify_format=verify_format, **options)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert len(simulator.requests()) == 1


def test_a_stream_that_breaks_off(imported: Importing, simulator: Simulator) -> None:
    data = ova(package(FILES))[:-4000]
    cut = data[: data.index(FILES["c.vmdk"][512:1024]) + 100]
    with pytest.raises(nfclease.NfcError):
        imported(pieces(cut), name=unique("cut"))
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_stream_that_does_not_begin_with_its_descriptor(
    imported: Importing, simulator: Simulator
) -> None:
    members = package(FILES)
    data = ova({"a.vmdk": FILES["a.vmdk"], **members})
    with pytest.raises(nfclease.PackageError):
        imported(pieces(data))
    assert calls_of(simulator, "ImportVApp") == 0


def test_a_compressed_stream(imported: Importing, simulator: Simulator) -> None:
    packed = {name: gzip.compress(data) for name, data in FILES.items()}
    data = ova(package(packed, file_attributes='ovf:compression="gzip"'))
    result = imported(pieces(data), name=unique("gzip"))
    assert sums_of(simulator) == EXPECTED
    assert {file.file_checksum_type for file in result.files} == {"sha256"}
