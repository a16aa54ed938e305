"""`convert=True` of `upload_all` and `start_upload`: qcow2 and raw disks of an import arrive."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.converting import MIB, SIZE, arrived, content, made
from ..support.disks import GRAIN, stream
from ..support.faces import OpenLease
from ..support.imports import Imported, import_vm, spec_of
from ..support.inventory import unique
from ..support.leases import endings
from ..support.packages import STREAM_OPTIMIZED, descriptor, ova, written
from ..support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("spool")


def import_of(service: Any, vm: Any, members: dict[str, bytes]) -> Any:
    """What a server wants for it; the descriptor calls its disks streamOptimized."""
    text = members["demo.ovf"].decode()
    assert STREAM_OPTIMIZED in text
    return spec_of(service, vm, text, unique("all"))


def members_of(disks: dict[str, bytes], capacity: int = SIZE) -> dict[str, bytes]:
    ovf = descriptor(
        {name: None for name in disks}, disks=[*disks], capacity=capacity, name=unique("demo")
    )
    return {"demo.ovf": ovf, **disks}


@pytest.mark.parametrize("form", ["archive", "directory", "files alone"])
def test_all_of_a_package(
    open_lease: OpenLease, service: Any, demo_vm: Any, tmp_path: Path, form: str, spool: Path
) -> None:
    """One in each format: what is a stream already goes as it is."""
    disks = {
        "one.qcow2": made(tmp_path, "qcow2"),
        "three.vmdk": stream({0: b"x" * GRAIN}, SIZE),
        "two.raw": made(tmp_path, "raw"),
    }
    members = members_of(disks)
    spec = import_of(service, demo_vm, members)
    source = written(tmp_path / "package", members)
    if form == "archive":
        source = tmp_path / "demo.ova"
        source.write_bytes(ova(members))
    elif form == "files alone":
        (source / "demo.ovf").unlink()
    with open_lease(import_vm(demo_vm, spec)) as lease:
        results = lease.upload_all(spec.fileItem, source, convert=True)
        assert os.listdir(spool) == []
    assert [result.name for result in results] == [item.path for item in spec.fileItem]
    assert {(result.verified, result.capacity) for result in results} == {("manifest", SIZE)}
    by_name = {result.name: result for result in results}
    assert by_name["three.vmdk"].bytes == len(disks["three.vmdk"])
    for name in disks:
        path = None if form == "archive" else str(source / name)
        assert by_name[name].path == path


@pytest.mark.parametrize("archive", [True, False])
def test_the_capacity_is_that_of_the_descriptor(
    open_lease: OpenLease, service: Any, demo_vm: Any, tmp_path: Path, archive: bool
) -> None:
    members = members_of({"disk.raw": content()}, 5 * MIB)
    spec = import_of(service, demo_vm, members)
    source = written(tmp_path / "package", members)
    if archive:
        source = tmp_path / "demo.ova"
        source.write_bytes(ova(members))
    with open_lease(import_vm(demo_vm, spec)) as lease:
        entity = lease.wait_ready(10).entity
        [result] = lease.upload_all(spec.fileItem, source, convert=True)
        assert result.capacity == 5 * MIB
    assert arrived(open_lease, entity, tmp_path) == content().ljust(5 * MIB, b"\0")


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("why", ["damaged", "larger", "not asked for"])
def test_nothing_is_sent_where_one_cannot_be(
    open_lease: OpenLease,
    simulator: Simulator,
    service: Any,
    demo_vm: Any,
    tmp_path: Path,
    why: str,
    archive: bool,
) -> None:
    damaged = b"QFI\xfb" + bytes(600) if why == "damaged" else made(tmp_path, "qcow2")
    capacity = 2 * MIB if why == "larger" else SIZE
    members = members_of({"a.raw": content(2 * MIB), "b.qcow2": damaged}, capacity)
    spec = import_of(service, demo_vm, members)
    source = written(tmp_path / "package", members)
    if archive:
        source = tmp_path / "demo.ova"
        source.write_bytes(ova(members))
    error = nfclease.PackageError if why == "larger" else nfclease.DiskFormatError
    with pytest.raises(error), open_lease(import_vm(demo_vm, spec)) as lease:
        lease.upload_all(spec.fileItem, source, convert=why != "not asked for")
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_host_that_fails(
    open_lease: OpenLease, simulator: Simulator, service: Any, demo_vm: Any, tmp_path: Path
) -> None:
    members = members_of({"a.raw": content(), "b.raw": content()})
    spec = import_of(service, demo_vm, members)
    simulator.inject("status", code=507)
    with (
        pytest.raises(nfclease.HttpStatusError),
        open_lease(import_vm(demo_vm, spec)) as lease,
    ):
        lease.upload_all(spec.fileItem, written(tmp_path / "package", members), convert=True)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("kind", ["qcow2", "raw", "vmdk"])
def test_in_the_background(
    open_lease: OpenLease, imported: Imported, tmp_path: Path, kind: str, spool: Path
) -> None:
    """Nothing has a name in the spool while it is sent, nor room after that."""
    source = tmp_path / f"disk.{kind}"
    whole = stream({0: b"x" * GRAIN}, SIZE) if kind == "vmdk" else made(tmp_path, kind)
    source.write_bytes(whole)
    with open_lease(imported.raw, verify_size=False) as lease:
        entity = lease.wait_ready(10).entity
        transfer = lease.start_upload(imported.item, source, convert=True)
        assert os.listdir(spool) == []
        result = transfer.result(20)
        assert (result.path, result.verified) == (str(source), "manifest")
        assert result.capacity == SIZE
        del transfer
        gc.collect()
        wait_for(lambda: not open_files(spool))
    if kind != "vmdk":
        assert arrived(open_lease, entity, tmp_path) == content()


def open_files(folder: Path) -> list[str]:
    """Those of this process that are, or were, in this folder."""
    own = Path("/proc/self/fd")
    if not own.is_dir():
        return []
    found = []
    for number in os.listdir(own):
        try:
            found.append(os.readlink(own / number))
        except OSError:  # closed meanwhile
            continue
    return [path for path in found if path.startswith(str(folder))]
