"""Exports and imports of more files than may move at once: the longest starts first."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

from ..support.differing import FILES, LONGEST_FIRST, differing_vm
from ..support.importing import Importing
from ..support.inventory import unique
from ..support.jobs import Export
from ..support.packages import ova, package


@pytest.fixture
def vm(simulator: Simulator, service: Any) -> Any:
    return differing_vm(simulator, service)


def started(simulator: Simulator) -> list[str]:
    """The files that were asked for, in order."""
    return [request["path"].rpartition("/")[2] for request in simulator.requests()]


def listed(descriptor: str) -> list[str]:
    """The files of its References, in order."""
    return re.findall(r'<File [^>]*ovf:href="([^"]+)"', descriptor)


def test_an_export_to_a_directory(
    export: Export, simulator: Simulator, vm: Any, tmp_path: Path
) -> None:
    """The order of the package is that of the devices."""
    result = export(vm, tmp_path / "out", max_concurrency=1)
    assert started(simulator) == [*LONGEST_FIRST, f"{vm.name}.nvram"]
    files = [file.name for file in result.files]
    assert [name for name in files if name.endswith(".vmdk")] == sorted(LONGEST_FIRST)
    assert listed((tmp_path / "out" / result.descriptor).read_text()) == files


def test_an_export_to_an_archive(
    export: Export, simulator: Simulator, vm: Any, tmp_path: Path
) -> None:
    """All of it is in the order of the starts: what comes first goes straight into the archive."""
    result = export(vm, tmp_path / "x.ova", max_concurrency=1)
    files = [*LONGEST_FIRST, f"{vm.name}.nvram"]
    assert started(simulator) == [file.name for file in result.files] == files
    with tarfile.open(tmp_path / "x.ova") as archive:
        assert archive.getnames() == [result.descriptor, result.manifest, *files]
        read = archive.extractfile(result.descriptor)
        assert read is not None
        assert listed(read.read().decode()) == files


def test_an_archive_of_files_that_all_move_at_once(
    export: Export, simulator: Simulator, vm: Any, tmp_path: Path
) -> None:
    """It has the order of the devices."""
    result = export(vm, tmp_path / "x.ova", max_concurrency=5)
    disks = [file.name for file in result.files if file.disk]
    assert disks == sorted(LONGEST_FIRST)
    with tarfile.open(tmp_path / "x.ova") as archive:
        assert archive.getnames()[2:] == [file.name for file in result.files]


def test_an_import(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "x.ova").write_bytes(ova(package(FILES)))
    result = imported(tmp_path / "x.ova", name=unique("longest"), max_concurrency=1)
    sent = [request["bytes_received"] for request in simulator.requests()]
    assert sent == sorted(map(len, FILES.values()), reverse=True)
    assert [file.name for file in result.files] == list(FILES)


def test_an_import_with_a_delta(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    """Each file waits for the one before it, in the server's order."""
    members = package(FILES, algorithm=None)
    text = members["demo.ovf"].decode()
    text = text.replace('ovf:diskId="vmdisk3"', 'ovf:diskId="vmdisk3" ovf:parentRef="vmdisk1"')
    (tmp_path / "x.ova").write_bytes(ova({**members, "demo.ovf": text.encode()}))
    result = imported(tmp_path / "x.ova", name=unique("delta"), max_concurrency=1)
    sent = [request["bytes_received"] for request in simulator.requests()]
    assert sent == [len(FILES[file.name]) for file in result.files]
    assert sent[0] < max(sent)
