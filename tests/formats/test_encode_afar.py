"""`convert=True` of packages that are at an address, or that come once and in order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.appliance import _converting
from nfclease.simulator import Simulator

from ..support.command import govc_environment
from ..support.converting import MIB, SIZE, arrived, content, made, package_of
from ..support.disks import GRAIN, stream
from ..support.faces import OpenLease
from ..support.importing import Importing, calls_of
from ..support.inventory import unique
from ..support.packages import both_forms, descriptor, manifest, ova
from ..support.waiting import until, wait_for
from ..support.web import serving

pytestmark = pytest.mark.usefixtures("spool")


def converted(imported: Importing, source: Any, **options: Any) -> Any:
    return imported(source, name=unique("converted"), convert=True, **options)


@pytest.mark.parametrize("name", ["demo.ova", "x/demo.ovf"])
@pytest.mark.parametrize(("kind", "ranges"), [("qcow2", True), ("raw", True), ("qcow2", False)])
def test_an_address(
    open_lease: OpenLease,
    face: str,
    demo_vm: Any,
    tmp_path: Path,
    kind: str,
    name: str,
    ranges: bool,
) -> None:
    """Without Range an archive is saved whole; else the disk comes once, to its last byte."""
    data = made(tmp_path, kind)
    with serving(both_forms(package_of(f"disk.{kind}", data)), tmp_path, ranges=ranges) as web:
        result = converted(Importing(face, demo_vm), web.url(name), ca_file=web.ca_file)
        long = [part for part in web.ranges() if part and _length(part) >= len(data)]
        assert web.sent < 2 * len(data) + 300_000 or not ranges
        assert len(long) <= 1
    [file] = result.files
    assert (file.converted_from, file.verified) == (kind, "manifest")
    assert file.file_checksum_type == "sha256"
    assert arrived(open_lease, result.entity, tmp_path) == content()


def _length(asked: str) -> int:
    first, last = asked.removeprefix("bytes=").split("-")
    return int(last) - int(first) + 1


@pytest.mark.parametrize("kind", ["qcow2", "raw"])
@pytest.mark.parametrize("source", ["pieces", "pipe"])
def test_what_comes_once(
    open_lease: OpenLease, face: str, demo_vm: Any, tmp_path: Path, kind: str, source: str
) -> None:
    archive = ova(package_of(f"disk.{kind}", made(tmp_path, kind)))
    if source == "pieces":
        result = converted(Importing(face, demo_vm), iter([archive[:9999], archive[9999:]]))
    else:
        (tmp_path / "demo.ova").write_bytes(archive)
        with subprocess.Popen(["cat", tmp_path / "demo.ova"], stdout=subprocess.PIPE) as process:
            result = converted(Importing(face, demo_vm), process.stdout)
    [file] = result.files
    assert (file.converted_from, file.file_checksum_type) == (kind, "sha256")
    assert arrived(open_lease, result.entity, tmp_path) == content()


@pytest.mark.parametrize("face", ["blocking"], indirect=True)
def test_a_stream_of_streams(face: str, demo_vm: Any, simulator: Simulator) -> None:
    data = stream({0: b"x" * GRAIN}, SIZE)
    result = converted(Importing(face, demo_vm), iter([ova(package_of("disk.vmdk", data))]))
    assert [(file.converted_from, file.size) for file in result.files] == [(None, len(data))]


REFUSED: dict[str, tuple[str, type[Exception], str]] = {
    "another file": ("disk.raw", nfclease.ChecksumMismatchError, "the manifest file"),
    "larger": ("disk.raw", nfclease.PackageError, "makes one of only 2097152 of it"),
    "damaged": ("disk.qcow2", nfclease.DiskFormatError, r"disk\.qcow2: .*version 9"),
}


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("way", ["address", "pieces"])
def test_what_is_refused_before_there_is_a_lease(
    face: str, demo_vm: Any, simulator: Simulator, tmp_path: Path, why: str, way: str
) -> None:
    name, error, said = REFUSED[why]
    data = made(tmp_path, name.partition(".")[2])
    if why == "damaged":
        data = data[:7] + b"\x09" + data[8:]
    members = package_of(name, data, 2 * MIB if why == "larger" else SIZE)
    if why == "another file":
        members[name] = b"x" + data[1:]
    imported = Importing(face, demo_vm)
    with (
        serving({"demo.ova": ova(members)}, tmp_path) as web,
        pytest.raises(error, match=said),
    ):
        if way == "address":
            converted(imported, web.url("demo.ova"), ca_file=web.ca_file)
        else:
            converted(imported, iter([ova(members)]))
    assert calls_of(simulator, "ImportVApp") == 0


@pytest.mark.parametrize("face", ["blocking"], indirect=True)
def test_a_copy_is_gone_before_the_next_comes(
    face: str, demo_vm: Any, tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is needed of the disk: one file as it is stored, and the streams."""
    there: list[int] = []
    real = _converting._say

    def seen(*args: Any) -> None:
        there.append(sum(1 for path in spool.glob("nfclease-*/*")))
        real(*args)

    monkeypatch.setattr(_converting, "_say", seen)
    members = written_twice(content())
    with serving({"demo.ova": ova(members)}, tmp_path) as web:
        result = converted(Importing(face, demo_vm), web.url("demo.ova"), ca_file=web.ca_file)
    assert [file.converted_from for file in result.files] == ["raw", "raw"]
    assert there == [1, 2]


def written_twice(data: bytes) -> dict[str, bytes]:
    names = ["one.raw", "two.raw"]
    ovf = descriptor(dict.fromkeys(names, len(data)), disks=names, capacity=SIZE)
    files = {"demo.ovf": ovf, **dict.fromkeys(names, data)}
    return {"demo.ovf": ovf, "demo.mf": manifest(files), **dict.fromkeys(names, data)}


@pytest.mark.parametrize("face", ["blocking"], indirect=True)
def test_a_plan_looks_and_fetches_nothing(
    face: str, demo_vm: Any, tmp_path: Path, spool: Path
) -> None:
    members = package_of("disk.raw", content())
    del members["demo.mf"]
    with serving({"demo.ova": ova(members)}, tmp_path) as web:
        url = web.url("demo.ova")
        plan = nfclease.plan_import(url, demo_vm.resourcePool, convert=True, ca_file=web.ca_file)
        assert [file.name for file in plan.files] == ["disk.raw"]
        assert web.sent < SIZE


@pytest.mark.parametrize("way", ["address", "pieces"])
def test_a_task_that_is_cancelled_while_it_comes(
    demo_vm: Any, simulator: Simulator, tmp_path: Path, spool: Path, way: str
) -> None:
    """The web server, or the stream, says no more after a part of the disk."""
    archive = ova(package_of("disk.raw", content()))

    free = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield archive[: len(archive) // 2]
        free.wait(60)

    async def cancelled(source: Any, **options: Any) -> None:
        job = asyncio.ensure_future(
            nfclease.import_vapp_async(
                *(source, demo_vm.resourcePool), name=unique("broken-off"), convert=True, **options
            )
        )
        await until(lambda: any(path.is_file() for path in spool.glob("nfclease-*/*")))
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    with serving({"demo.ova": archive}, tmp_path) as web:
        if way == "address":
            web.habits.hold_after = MIB
            asyncio.run(cancelled(web.url("demo.ova"), ca_file=web.ca_file))
        else:
            asyncio.run(cancelled(pieces()))
    assert os.listdir(spool) == []
    free.set()
    assert calls_of(simulator, "ImportVApp") == 0


def test_the_command_of_a_pipe(simulator: Simulator, demo_vm: Any, tmp_path: Path) -> None:
    (tmp_path / "demo.ova").write_bytes(ova(package_of("disk.raw", content())))
    command = [sys.executable, "-m", "nfclease", "import", "-", "--convert"]
    command += ["--pool", "/DC0/host/Cluster/Resources", "--name", unique("piped")]
    environment = os.environ | govc_environment(simulator)
    with (
        (tmp_path / "demo.ova").open("rb") as archive,
        subprocess.Popen(["cat"], stdin=archive, stdout=subprocess.PIPE) as cat,
    ):
        done = subprocess.run(
            command, stdin=cat.stdout, env=environment, capture_output=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", ["address", "pipe"])
def test_a_signal_while_it_comes(
    simulator: Simulator,
    demo_vm: Any,
    tmp_path: Path,
    spool: Path,
    way: str,
    number: signal.Signals,
) -> None:
    """The command is gone, and so is all that came."""
    archive = ova(package_of("disk.raw", content()))
    environment = os.environ | govc_environment(simulator) | {"TMPDIR": str(spool)}
    command = [sys.executable, "-m", "nfclease", "import", "--convert"]
    command += ["--pool", "/DC0/host/Cluster/Resources", "--name", unique("broken-off")]
    with serving({"demo.ova": archive}, tmp_path, hold_after=MIB) as web:
        source = ["-"] if way == "pipe" else [web.url("demo.ova"), "--ca-file", str(web.ca_file)]
        with subprocess.Popen(
            [*command, *source], env=environment, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdin is not None
            if way == "pipe":
                process.stdin.write(archive[:MIB])
                process.stdin.flush()
            wait_for(lambda: any(path.is_file() for path in spool.glob("nfclease-*/*")))
            process.send_signal(number)
            assert process.wait(60) == 128 + number
    assert os.listdir(spool) == []
    assert calls_of(simulator, "ImportVApp") == 0
