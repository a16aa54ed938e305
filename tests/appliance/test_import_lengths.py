"""What an upload says of its length: the size of the file, however the package came."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

from ..support.importing import Importing
from ..support.inventory import unique
from ..support.package_sources import SEEKABLE, STREAMS
from ..support.packages import package, stream_disk, with_files

SOURCES = {**SEEKABLE, **STREAMS}
NVRAM = {"empty": b"", "4 MiB and a byte": bytes((4 << 20) + 1)}


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def lengths(simulator: Simulator) -> list[tuple[str, int]]:
    """Method and ``Content-Length`` of each upload, which must have come in one body as long."""
    said = []
    for request in simulator.requests():
        headers: dict[str, Any] = {key.lower(): text for key, text in request["headers"].items()}
        assert "transfer-encoding" not in headers
        assert request["bytes_received"] == int(headers["content-length"])
        said.append((request["method"], request["bytes_received"]))
    return sorted(said)


@pytest.mark.parametrize("nvram", NVRAM)
@pytest.mark.parametrize("kind", SOURCES)
def test_it_is_the_size_of_the_file(
    imported: Importing,
    simulator: Simulator,
    held: ExitStack,
    tmp_path: Path,
    kind: str,
    nvram: str,
) -> None:
    members = with_files({"demo.nvram": NVRAM[nvram], "cd.iso": b"i" * 3000})
    source, options = SOURCES[kind](members, tmp_path, held)
    imported(source, name=unique("lengths"), **options)
    put = [("PUT", len(members["demo.nvram"])), ("PUT", 3000)]
    assert lengths(simulator) == sorted([("POST", len(members["disk.vmdk"])), *put])


@pytest.mark.parametrize("kind", SOURCES)
def test_of_a_compressed_file_it_is_what_is_sent(
    imported: Importing, simulator: Simulator, held: ExitStack, tmp_path: Path, kind: str
) -> None:
    disk = stream_disk(300)
    members = package({"disk.vmdk": gzip.compress(disk)}, file_attributes='ovf:compression="gzip"')
    source, options = SOURCES[kind](members, tmp_path, held)
    imported(source, name=unique("packed"), **options)
    assert lengths(simulator) == [("POST", len(disk))]
