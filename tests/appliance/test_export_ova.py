"""``export_vm`` to one archive: what is in it, and what stays of it after a failure."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nfclease import ExportResult, NfcError
from nfclease.simulator import Simulator

from ..support.inventory import find, unique
from ..support.jobs import Export
from ..support.leases import endings
from ..support.spooling import spooling


def members_of(archive: bytes) -> dict[str, bytes]:
    """The files of an archive, in its order."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {
            entry.name: file.read()
            for entry in opened
            if (file := opened.extractfile(entry)) is not None
        }


def check(archive: bytes, result: ExportResult) -> dict[str, bytes]:
    """Descriptor, manifest file, files; each with the sum that the manifest file has of it."""
    members = members_of(archive)
    assert result.manifest
    files = [file.name for file in result.files]
    assert list(members) == [result.descriptor, result.manifest, *files]
    lines = members[result.manifest].decode().splitlines()
    for line, name in zip(lines, [result.descriptor, *files], strict=True):
        assert line == f"SHA256({name})= {hashlib.sha256(members[name]).hexdigest()}"
    for file in result.files:
        assert (file.size, file.verified) == (len(members[file.name]), "manifest")
    return members


@pytest.mark.parametrize("streams", [1, 4])
def test_an_archive_is_whole(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path, streams: int
) -> None:
    result = export(
        demo_vm, tmp_path / "demo.ova", include=["*.iso", "*.nvram"], max_concurrency=streams
    )
    assert result.path == str(tmp_path / "demo.ova")
    members = check((tmp_path / "demo.ova").read_bytes(), result)
    assert members[result.descriptor].rstrip(b"\n").endswith(b"</Envelope>")
    assert list(tmp_path.iterdir()) == [tmp_path / "demo.ova"]
    assert len(simulator.requests()) == len(result.files) == 5
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_every_header_is_ustar(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    """Never pax, which vSphere does not read; and nothing but members and padding."""
    export(demo_vm, tmp_path / "demo.ova")
    archive = (tmp_path / "demo.ova").read_bytes()
    at = 0
    while any(archive[at : at + 512]):
        header = archive[at : at + 512]
        assert header[257:263] == b"ustar\0"
        assert header[156:157] in b"0\0"
        size = int(header[124:136].rstrip(b"\0 "), 8)
        at += 512 + -(-size // 512) * 512
    assert not any(archive[at:])
    assert len(archive) - at <= 10240


def test_the_descriptor_is_the_servers_text(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    archive = export(demo_vm, tmp_path / "demo.ova")
    there = members_of((tmp_path / "demo.ova").read_bytes())
    directory = export(demo_vm, tmp_path / "directory")
    text = (tmp_path / "directory" / directory.descriptor).read_text()
    sizes = zip(archive.files, directory.files, strict=True)
    for ours, theirs in sizes:  # the simulator's streams are not the same twice
        text = text.replace(f'size="{theirs.size}"', f'size="{ours.size}"')
    assert there[archive.descriptor].decode().rstrip("\n") == text.rstrip("\n")


def moved() -> tuple[int, int]:
    """Bytes that this process has read of files and written, sockets not counted as read."""
    lines = Path("/proc/self/io").read_text().splitlines()
    counts = dict(line.split(": ") for line in lines)
    return int(counts["rchar"]), int(counts["wchar"])


@pytest.mark.parametrize(("streams", "again"), [(1, 0), (4, 1)])
def test_every_byte_is_written_once(
    export: Export,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    streams: int,
    again: int,
) -> None:
    """And read never; what is spooled, once more each."""
    if not Path("/proc/self/io").exists():
        pytest.skip("not run: this system does not count what a process reads and writes")
    name = unique("counted")
    simulator.add_vm(name, disks=2, disk_size=16 << 20, nvram=False)
    vm = find(service, vim.VirtualMachine, name)
    read, written = moved()
    result = export(vm, tmp_path / "x.ova", max_concurrency=streams)
    read, written = moved()[0] - read, moved()[1] - written
    spooled = again * max(file.size for file in result.files)
    size = (tmp_path / "x.ova").stat().st_size
    assert size - result.bytes < 1 << 20
    assert read <= spooled + (1 << 20)
    assert size <= written <= size + spooled + (1 << 20)


def test_without_a_manifest_file(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    result = export(demo_vm, tmp_path / "demo.OVA", manifest=None)
    members = members_of((tmp_path / "demo.OVA").read_bytes())
    assert list(members) == [result.descriptor, *(file.name for file in result.files)]


def test_a_vapp_and_a_running_vm(
    export: Export, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    names = unique("vapp"), unique("running")
    simulator.add_vapp(names[0], vms=3)
    simulator.add_vm(names[1], disks=1, power="on")
    for kind, name in zip((vim.VirtualApp, vim.VirtualMachine), names, strict=True):
        entity = find(service, kind, name)
        taken = None if kind is vim.VirtualApp else True
        result = export(entity, tmp_path / f"{name}.ova", snapshot=taken)
        check((tmp_path / f"{name}.ova").read_bytes(), result)
    assert find(service, vim.VirtualMachine, names[1]).snapshot is None


def test_an_archive_that_is_there_is_replaced_when_the_new_one_is_whole(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "demo.ova").write_text("old")
    with pytest.raises(FileExistsError):
        export(demo_vm, tmp_path / "demo.ova")
    assert simulator.calls("ExportVm") == []
    simulator.inject("status", match="disk-2", code=500)
    with pytest.raises(NfcError):
        export(demo_vm, tmp_path / "demo.ova", overwrite=True, max_retries=0)
    assert (tmp_path / "demo.ova").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "demo.ova"]
    simulator.clear()
    result = export(demo_vm, tmp_path / "demo.ova", overwrite=True)
    check((tmp_path / "demo.ova").read_bytes(), result)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("flip", {"match": "disk-1"}),
        ("cut", {"match": "disk-3", "after_bytes": 4096}),
        ("expire", {"after_bytes": 4096}),
        ("target_id", {"match": "disk-2", "value": "../../x"}),
        ("target_id", {"match": "disk-2", "value": "x" * 101}),
        ("soap_fault", {"method": "CreateDescriptor"}),
        ("soap_fault", {"method": "HttpNfcLeaseComplete"}),
    ],
)
def test_nothing_stays_after_a_failure(
    export: Export,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    kind: str,
    options: dict[str, Any],
) -> None:
    simulator.inject(kind, **options)
    with pytest.raises((NfcError, vmodl.MethodFault, ValueError)):
        export(demo_vm, tmp_path / "demo.ova", max_retries=0)
    assert list(tmp_path.iterdir()) == []
    assert endings(simulator).count("HttpNfcLeaseAbort") == (kind != "expire")


def test_a_broken_download_is_repeated(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """The one that goes straight into the archive, and one that is spooled."""
    simulator.inject("cut", match="disk-1", after_bytes=4096, count=1)
    simulator.inject("cut", match="disk-3", after_bytes=4096, count=1)
    ova = tmp_path / "demo.ova"
    with spooling(simulator, ova):
        result = export(demo_vm, ova)
    check(ova.read_bytes(), result)
    assert [file.attempts for file in result.files] == [2, 1, 2, 1]


def test_a_file_object(
    export: Export, demo_vm: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = io.BytesIO()
    result = export(demo_vm, target)
    assert result.path is None
    check(target.getvalue(), result)
    assert "the files are spooled in" in caplog.text


def test_a_pipe(export: Export, demo_vm: Any) -> None:
    receive, send = os.pipe()
    received: list[bytes] = []

    def read() -> None:
        with open(receive, "rb") as file:
            received.append(file.read())

    reader = threading.Thread(target=read)
    reader.start()
    with open(send, "wb") as target:
        result = export(demo_vm, target)
    reader.join()
    check(received[0], result)


def test_a_target_that_is_nothing_to_write_to(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="target must be a path or a binary file object, not int"):
        export(demo_vm, 3)
    with (tmp_path / "text").open("w") as text, pytest.raises(TypeError, match="text file"):
        export(demo_vm, text)
