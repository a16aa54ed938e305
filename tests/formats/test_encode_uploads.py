"""`convert=True` of an upload and an import: a qcow2 or raw disk arrives as a stream."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.appliance._converting import Converting
from nfclease.appliance._face import BlockingFace
from nfclease.cli.failure import lines_of
from nfclease.simulator import Simulator

from ..support.command import govc_environment
from ..support.converting import MIB, SIZE, arrived, content, made, package_of
from ..support.disks import GRAIN, stream
from ..support.faces import OpenLease
from ..support.failing_calls import traced
from ..support.importing import Importing, calls_of
from ..support.imports import Imported, import_spec, import_vm
from ..support.inventory import unique
from ..support.leases import endings
from ..support.packages import STREAM_OPTIMIZED, ova, written
from ..support.waiting import until, wait_for

pytestmark = pytest.mark.usefixtures("spool")


@pytest.mark.parametrize("kind", ["qcow2", "raw"])
@pytest.mark.parametrize("archive", [False, True])
def test_an_import(
    open_lease: OpenLease,
    face: str,
    demo_vm: Any,
    tmp_path: Path,
    kind: str,
    archive: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Compared with the manifest file is the package's own file.

    A raw disk's size tells that it is not what the descriptor says, which `strict` refuses.
    """
    members = package_of(f"disk.{kind}", made(tmp_path, kind))
    source = written(tmp_path / "package", members)
    if archive:
        source = tmp_path / "demo.ova"
        source.write_bytes(ova(members))
    with caplog.at_level(logging.INFO, "nfclease"):
        imported = Importing(face, demo_vm)
        result = imported(source, name=unique("converted"), convert=True, strict=kind == "qcow2")
    [file] = result.files
    assert (file.name, file.converted_from) == (f"disk.{kind}", kind)
    assert (file.verified, file.file_checksum_type) == ("manifest", "sha256")
    assert file.size != len(members[f"disk.{kind}"])
    assert (
        f"disk.{kind} is a {kind} disk: a streamOptimized VMDK of {file.size} bytes" in caplog.text
    )
    assert arrived(open_lease, result.entity, tmp_path) == content()


@pytest.mark.parametrize("face", ["blocking"], indirect=True)
def test_a_stream_goes_as_it_is(face: str, demo_vm: Any, tmp_path: Path) -> None:
    data = stream({0: b"x" * GRAIN}, SIZE)
    source = written(tmp_path / "package", package_of("disk.vmdk", data))
    result = Importing(face, demo_vm)(source, name=unique("converted"), convert=True)
    [file] = result.files
    assert (file.converted_from, file.size) == (None, len(data))


@pytest.mark.parametrize("face", ["blocking"], indirect=True)
def test_a_capacity_of_the_descriptor_s(
    open_lease: OpenLease, face: str, demo_vm: Any, tmp_path: Path
) -> None:
    """The disk in the stream has it, since a server compares both."""
    source = written(tmp_path / "package", package_of("disk.raw", content(), 5 * MIB))
    result = Importing(face, demo_vm)(source, name=unique("converted"), convert=True)
    assert arrived(open_lease, result.entity, tmp_path) == content().ljust(5 * MIB, b"\0")


@pytest.mark.parametrize("face", ["blocking"], indirect=True)
def test_a_descriptor_that_names_the_format(face: str, demo_vm: Any, tmp_path: Path) -> None:
    said = 'http://www.gnome.org/~markmc/qcow-image-format.html" ovf:populatedSize="7'
    data = made(tmp_path, "qcow2")
    source = written(tmp_path / "package", package_of("disk.qcow2", data, said=said))
    assert nfclease.plan_import(source, demo_vm.resourcePool, convert=True).files
    assert Importing(face, demo_vm)(source, name=unique("converted"), convert=True).files


def test_the_server_is_told_what_is_sent() -> None:
    """Of the disks that are converted alone, however their tags are written."""
    converting = Converting(BlockingFace(), is_asked=True)
    converting._formats = {"file<1": "qcow2"}
    changed = converting.text(
        '<Disk ovf:format="a" ovf:fileRef="file&lt;1"/><ovf:Disk\n fileRef = \'file&lt;1\'\n'
        " format = 'b' /><Disk ovf:format=\"c\" ovf:fileRef=\"file2\"/><DiskSection format='d'>"
    )
    assert changed == (
        f'<Disk ovf:format="{STREAM_OPTIMIZED}" ovf:fileRef="file&lt;1"/><ovf:Disk\n fileRef = '
        f'\'file&lt;1\'\n format = "{STREAM_OPTIMIZED}" /><Disk ovf:format="c" '
        "ovf:fileRef=\"file2\"/><DiskSection format='d'>"
    )


REFUSED = {
    "not asked for": (
        "disk.qcow2",
        {"convert": False},
        nfclease.DiskFormatError,
        "streamOptimized",
    ),
    "raw under the name of a stream": (
        "disk.vmdk",
        {},
        nfclease.DiskFormatError,
        "streamOptimized",
    ),
    "larger": ("disk.raw", {}, nfclease.PackageError, "makes one of only 2097152 of it"),
    "another file": ("disk.raw", {}, nfclease.ChecksumMismatchError, "the manifest file"),
    "another size": ("disk.raw", {}, nfclease.SizeMismatchError, r"disk\.raw: its descriptor says"),
    "damaged": ("disk.qcow2", {}, nfclease.DiskFormatError, r"disk\.qcow2: .*version 9"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused_before_there_is_a_lease(
    face: str, demo_vm: Any, simulator: Simulator, tmp_path: Path, why: str
) -> None:
    name, options, error, said = REFUSED[why]
    data = made(tmp_path, "qcow2") if name == "disk.qcow2" else content()
    if why == "damaged":
        data = data[:7] + b"\x09" + data[8:]
    members = package_of(name, data, 2 * MIB if why == "larger" else SIZE)
    if why == "another file":
        members[name] = b"x" + data[1:]
    elif why == "another size":
        members[name] = data + bytes(512)
        del members["demo.mf"]
    with pytest.raises(error, match=said):
        Importing(face, demo_vm)(
            written(tmp_path / "package", members),
            **{"name": unique("refused"), "convert": True, **options},
        )
    assert calls_of(simulator, "ImportVApp") == 0


def test_a_refusal_says_what_would_help(face: str, demo_vm: Any, tmp_path: Path) -> None:
    source = written(tmp_path / "package", package_of("disk.qcow2", made(tmp_path, "qcow2")))
    with pytest.raises(nfclease.DiskFormatError) as refused:
        Importing(face, demo_vm)(source, name=unique("refused"))
    said = "it is a qcow2 disk: convert=True sends a VMDK that is made of it"
    assert getattr(refused.value, "__notes__", []) == [said]
    assert lines_of(refused.value)[-1] == said.replace("convert=True", "--convert")


@traced
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_is_made(
    simulator: Simulator, service: Any, tmp_path: Path, spool: Path, number: signal.Signals
) -> None:
    """Each read of the disk takes a while here."""
    source = written(
        tmp_path / "package", package_of("disk.raw", random.randbytes(8 * MIB), 8 * MIB)
    )
    strace = ["strace", "-D", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", "trace=pread64"]
    strace += ["-e", "inject=pread64:delay_enter=700000", "-P", str(source / "disk.raw")]
    command = [sys.executable, "-m", "nfclease", "import", str(source), "--convert"]
    command += ["--pool", "/DC0/host/Cluster/Resources", "--name", unique("broken-off")]
    environment = os.environ | govc_environment(simulator) | {"TMPDIR": str(spool)}
    process = subprocess.Popen([*strace, *command], env=environment)
    wait_for(lambda: any(spool.glob("nfclease-*/*.part")))
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    assert calls_of(simulator, "ImportVApp") == 0


def test_what_it_is_not_for(face: str, demo_vm: Any, tmp_path: Path) -> None:
    imported = Importing(face, demo_vm)
    with pytest.raises(ValueError, match="the host fetches what there is"):
        imported("https://127.0.0.1:9/demo.ova", convert=True, pull=True)
    pieces = iter([ova(package_of("disk.raw", content()))])
    with pytest.raises(ValueError, match="to plan one, save the package first"):
        nfclease.plan_import(pieces, demo_vm.resourcePool, convert=True)
    with pytest.raises(TypeError, match="convert must be True or False"):
        imported(tmp_path, convert="qcow2")


def test_a_host_that_fails(face: str, demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:
    source = written(tmp_path / "package", package_of("disk.raw", content()))
    simulator.inject("status", code=507)
    with pytest.raises(nfclease.HttpStatusError):
        Importing(face, demo_vm)(source, name=unique("failed"), convert=True)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("kind", ["qcow2", "raw"])
def test_an_upload(
    open_lease: OpenLease, imported: Imported, tmp_path: Path, kind: str, spool: Path
) -> None:
    source = tmp_path / f"disk.{kind}"
    source.write_bytes(made(tmp_path, kind))
    with open_lease(imported.raw) as lease:
        entity = lease.wait_ready(10).entity
        result = lease.upload(imported.item, source, convert=True)
        assert os.listdir(spool) == []
    assert result.verified == "manifest"
    assert (result.path, result.capacity) == (str(source), SIZE)
    assert arrived(open_lease, entity, tmp_path) == content()


def test_an_upload_that_is_not_asked_to(
    open_lease: OpenLease, imported: Imported, tmp_path: Path
) -> None:
    source = tmp_path / "disk.raw"
    source.write_bytes(content())
    with (
        pytest.raises(nfclease.NfcError),
        open_lease(imported.raw, verify_size=False) as lease,
    ):
        lease.wait_ready(10)
        lease.upload(imported.item, source)


def test_a_task_that_is_cancelled_while_it_is_made(
    simulator: Simulator, service: Any, demo_vm: Any, tmp_path: Path, spool: Path
) -> None:
    source = tmp_path / "disk.raw"
    source.write_bytes(random.randbytes(MIB) * 64)
    raw = import_vm(demo_vm, import_spec(service, demo_vm, unique("cancelled")))

    async def cancelled() -> None:
        async with nfclease.AsyncHttpNfcLease(raw) as lease:
            info = await lease.wait_ready(10)
            disk = next(url for url in info.deviceUrl if url.disk)
            upload = asyncio.ensure_future(lease.upload(disk, source, convert=True))
            await until(lambda: any(spool.glob("nfclease-*/*.part")))
            upload.cancel()
            with pytest.raises(asyncio.CancelledError):
                await upload
            assert os.listdir(spool) == []
            await lease.close()

    asyncio.run(cancelled())
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("what", ["damaged", "bytes", "missing"])
@pytest.mark.parametrize("call", ["upload", "start_upload"])
def test_an_upload_that_cannot_be(
    open_lease: OpenLease,
    simulator: Simulator,
    imported: Imported,
    tmp_path: Path,
    what: str,
    call: str,
) -> None:
    source: Any = tmp_path / "disk.qcow2"
    if what == "damaged":
        source.write_bytes(b"QFI\xfb" + bytes(600))
    elif what == "bytes":
        source = content()
    error = {"damaged": nfclease.DiskFormatError, "bytes": TypeError, "missing": FileNotFoundError}
    with pytest.raises(error[what]), open_lease(imported.raw) as lease:
        lease.wait_ready(10)
        getattr(lease, call)(imported.item, source, convert=True)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
