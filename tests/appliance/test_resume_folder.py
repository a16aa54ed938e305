"""The folder that disks are kept in: whose it is, what a stranger may have put there, a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease.appliance._staging import Staging
from nfclease.simulator import Simulator

from ..support.inventory import find, unique
from ..support.jobs import Export
from ..support.resuming import Broken
from ..support.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not run: owners and signals")


@pytest.fixture
def broken(simulator: Simulator, service: Any, tmp_path: Path) -> Broken:
    name = unique("folder")
    simulator.add_vm(name, disks=3, iso=True, disk_size=1 << 20)
    vm = find(service, vim.VirtualMachine, name)
    return Broken(Export("blocking"), simulator, vm, tmp_path / "out")


def test_another_export_of_this_target_is_refused(broken: Broken, simulator: Simulator) -> None:
    broken()
    other = Staging(str(broken.target))
    other.open()
    try:
        with pytest.raises(BlockingIOError, match="another export to this target runs"):
            broken.again()
    finally:
        other.close()
    assert simulator.calls("ExportVm") == []
    assert broken.again().files[0].reused


def linked(folder: Path) -> None:
    """To a place of somebody else."""
    (folder.parent / "theirs").mkdir()
    folder.symlink_to("theirs")


def taken(folder: Path) -> None:
    folder.write_text("a file")


def given_away(folder: Path) -> None:
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("not run: only root can give a directory to somebody else")
    os.chown(folder, 4242, 4242)


@pytest.mark.parametrize("made", [linked, taken, given_away])
def test_a_folder_of_somebody_else_is_refused(
    broken: Broken, simulator: Simulator, made: Callable[[Path], None]
) -> None:
    made(broken.folder)
    with pytest.raises(PermissionError, match="remove it, or export to another place"):
        broken.again()
    assert simulator.calls("ExportVm") == []
    assert os.path.lexists(broken.folder)


def test_a_link_in_the_place_of_the_package(broken: Broken, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "precious").write_text("x")
    broken.folder.mkdir(mode=0o700)
    (broken.folder / "package").symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError, match="it is not a directory"):
        broken.again()
    assert (tmp_path / "theirs" / "precious").read_text() == "x"


def _with(name: str, value: Any) -> Callable[[Any], Any]:
    def change(record: Any) -> Any:
        record["files"][0][name] = value
        return record

    return change


@pytest.mark.parametrize(
    "change",
    [
        _with("name", "../../../etc/passwd"),
        _with("name", "a/b"),
        _with("name", 7),
        _with("size", -1),
        _with("size", "7"),
        _with("size", True),
        _with("sums", {"sha1": "0" * 39}),
        _with("sums", {"md5": "0" * 32}),
        _with("sums", {}),
        _with("sums", []),
        _with("verified", "yes"),
        _with("disk", None),
        lambda record: {**record, "version": 2},
        lambda record: {**record, "files": [record["files"][0]] * 2},
        lambda record: {**record, "files": 3},
        lambda record: [record],
    ],
)
def test_a_record_that_cannot_be_followed_is_none(
    broken: Broken, change: Callable[[Any], Any]
) -> None:
    broken()
    broken.say(change(broken.record))
    result = broken.again()
    assert not any(file.reused for file in result.files)
    assert nfclease.verify(broken.target)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b" " * (5 << 20)])
def test_a_record_that_is_none(broken: Broken, text: bytes) -> None:
    broken()
    (broken.folder / "kept.json").write_bytes(text)
    assert not broken.again().files[0].reused


def test_a_file_that_the_record_does_not_have_never_gets_into_a_package(broken: Broken) -> None:
    broken()
    (broken.folder / "package" / "disk-2.vmdk").write_bytes(broken.kept.read_bytes())
    (broken.folder / "package" / "other").mkdir()
    result = broken.again()
    assert [file.reused for file in result.files] == [True, False, False, False]
    assert not (broken.target / "other").exists()
    assert nfclease.verify(broken.target)


KILLED = """
import nfclease, ssl, sys
from pyVim.connect import SmartConnect
from pyVmomi import vim
host, port, user, password, ca_file, moid, target = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
vm = vim.VirtualMachine(moid, service._stub)
nfclease.export_vm(vm, target, resume=True, max_concurrency=2)
"""


@pytest.mark.parametrize("target", ["out", "out.ova"])
def test_a_disk_that_was_being_written_is_never_taken(
    simulator: Simulator, service: Any, tmp_path: Path, target: str
) -> None:
    """A process that is killed has one disk whole, and a part of the next."""
    name = unique("killed")
    moid = simulator.add_vm(name, disks=2, nvram=False, disk_size=1 << 20)
    simulator.inject("stall", match="disk-1", after_bytes=400_000)
    session = [simulator.host, str(simulator.port), simulator.user, simulator.password]
    command = [*session, str(simulator.ca_file), moid, str(tmp_path / target)]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *command])
    record = tmp_path / f".{target}.resume" / "kept.json"
    part = record.parent / "package" / "disk-1.vmdk.part"
    wait_for(lambda: record.exists() and "disk-0.vmdk" in record.read_text(), 60)
    wait_for(lambda: part.exists() and part.stat().st_size, 60)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    simulator.clear()
    vm = find(service, vim.VirtualMachine, name)
    result = nfclease.export_vm(vm, tmp_path / target, resume=True)
    assert [(file.name, file.reused) for file in result.files] == [
        ("disk-0.vmdk", True),
        ("disk-1.vmdk", False),
    ]
    assert nfclease.verify(tmp_path / target)
    assert os.listdir(tmp_path) == [target]
