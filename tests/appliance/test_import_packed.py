"""Files that are stored otherwise than they are sent: compressed, or cut into pieces."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of
from ..support.inventory import unique
from ..support.packages import descriptor, manifest, ova, package, stream_disk, written

DISK = stream_disk(100)
SHA1 = hashlib.sha1(DISK).hexdigest()
CHUNK = 20_000


def compressed(data: bytes = DISK) -> dict[str, bytes]:
    return package({"disk.vmdk": gzip.compress(data)}, file_attributes='ovf:compression="gzip"')


def chunked() -> dict[str, bytes]:
    pieces = {
        f"disk.vmdk.{number:09}": DISK[number * CHUNK : (number + 1) * CHUNK]
        for number in range(-(-len(DISK) // CHUNK))
    }
    ovf = descriptor({"disk.vmdk": len(DISK)}, file_attributes=f'ovf:chunkSize="{CHUNK}"')
    return {"demo.ovf": ovf, "demo.mf": manifest({"demo.ovf": ovf, **pieces}), **pieces}


@pytest.mark.parametrize("make", [compressed, chunked])
@pytest.mark.parametrize("archive", [True, False])
def test_what_is_sent_is_the_disk(
    imported: Importing, simulator: Simulator, tmp_path: Path, make: Any, archive: bool
) -> None:
    source = written(tmp_path / "x", make())
    if archive:
        source = tmp_path / "x.ova"
        source.write_bytes(ova(make()))
    result = imported(source, name=unique("packed"), strict=True)
    [file] = result.files
    assert (file.size, file.verified, file.file_checksum_type) == (len(DISK), "manifest", "sha256")
    assert [request["sha1"] for request in simulator.requests()] == [SHA1]


@pytest.mark.parametrize("make", [compressed, chunked])
def test_what_is_stored_is_compared_with_the_manifest_file(
    imported: Importing, simulator: Simulator, tmp_path: Path, make: Any
) -> None:
    members = make()
    name = [*members][-1]
    line = hashlib.sha256(members[name]).hexdigest().encode()
    members["demo.mf"] = members["demo.mf"].replace(line, b"0" * 64)
    with pytest.raises(nfclease.ChecksumMismatchError, match=r"disk\.vmdk.*manifest file"):
        imported(written(tmp_path, members), name=unique("refused"))
    assert calls_of(simulator, "ImportVApp") == 0


def test_a_piece_without_its_line(imported: Importing, tmp_path: Path) -> None:
    members = chunked()
    members["demo.mf"] = b"".join(members["demo.mf"].splitlines(keepends=True)[:1])
    result = imported(written(tmp_path, members), name=unique("half"))
    assert [note for note in result.notes if "000000001: the manifest file has no line" in note]


def test_a_piece_that_is_missing(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    members = chunked()
    del members["disk.vmdk.000000001"]
    with pytest.raises(nfclease.PackageError, match="000000001"):
        imported(written(tmp_path, members), name=unique("refused"))
    assert calls_of(simulator, "ImportVApp") == 0


def test_a_compressed_file_that_is_cut(
    imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    members = package(
        {"disk.vmdk": gzip.compress(DISK)[:-20]}, file_attributes='ovf:compression="gzip"'
    )
    with pytest.raises(nfclease.NfcError):
        imported(written(tmp_path, members), name=unique("refused"))
    assert calls_of(simulator, "ImportVApp") == 0


def test_what_was_compressed_is_no_disk(
    imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    with pytest.raises(nfclease.DiskFormatError):
        imported(written(tmp_path, compressed(bytes(9000))), name=unique("refused"))
    assert calls_of(simulator, "ImportVApp") == 0
