"""File systems that fail under a directory of a package: the target is as it was, and all is told.

All bytes are on the disk before Complete, descriptor and manifest file as well: what fails until
then aborts the lease. The name alone comes after it.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from nfclease import export_vm
from nfclease.simulator import Simulator

from ..support.failing_calls import Ended, mounted, mounting, run_failing, run_under, traced
from ..support.jobs import Export
from ..support.leases import endings

#: Where the package grows, as the script has it.
STAGE = "vm.part-00000000"
OLD = ["demo-vm.mf", "demo-vm.nvram", "demo-vm.ovf", *(f"disk-{n}.vmdk" for n in (1, 2, 3))]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "vm"


def contents(folder: Path) -> dict[str, bytes]:
    """All files below, by their paths."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_told(ended: Ended, number: int, file: str, vm: str) -> None:
    """The error says which file and of which VM; nothing of it stays, by its own account too."""
    said = ended.said
    assert said["errno"] == number
    assert os.path.basename(said["filename"]) == file
    assert said["filename"] in said["error"]
    assert said["vm"] == vm
    assert not said["files_left"]


@traced
@pytest.mark.parametrize("how", ["new", "overwrite"])
@pytest.mark.parametrize(
    ("fault", "where", "file", "end"),
    [
        ("write:error=ENOSPC:when=3+", "disk-2.vmdk.part", "disk-2.vmdk.part", "Abort"),
        ("write:error=EDQUOT:when=3+", "disk-2.vmdk.part", "disk-2.vmdk.part", "Abort"),
        ("fsync:error=EIO", "disk-2.vmdk.part", "disk-2.vmdk.part", "Abort"),
        ("write:error=ENOSPC", "demo-vm.ovf", "demo-vm.ovf", "Abort"),
        ("write:error=ENOSPC", "demo-vm.mf", "demo-vm.mf", "Abort"),
        ("fsync:error=EIO", "demo-vm.mf", "demo-vm.mf", "Abort"),
        ("openat:error=EMFILE", "demo-vm.mf", "demo-vm.mf", "Abort"),
        ("rename:error=ENOSPC", "", STAGE, "Complete"),
    ],
)
def test_one_that_fails(
    demo_vm: Any,
    simulator: Simulator,
    target: Path,
    how: str,
    fault: str,
    where: str,
    file: str,
    end: str,
) -> None:
    if how == "overwrite":
        export_vm(demo_vm, target)
        simulator.reset()
    before = contents(target.parent)
    only = target.parent / STAGE / where
    ended = run_failing("package", simulator, target, fault, how=how, only=only)
    number = getattr(errno, fault.split("=")[1].partition(":")[0])
    assert_told(ended, number, file, demo_vm._moId)
    assert contents(target.parent) == before
    assert os.listdir(target.parent) == (["vm"] if before else [])
    assert endings(simulator) == [f"HttpNfcLease{end}"]
    if end == "Abort":
        assert ended.said["lease_outcome"] == "aborted"
        assert (ended.said["file"] or "") == ("disk-2.vmdk" if where.endswith(".part") else "")


@traced
def test_an_old_package_that_cannot_be_moved(
    demo_vm: Any, simulator: Simulator, target: Path
) -> None:
    """The first of two renames."""
    export_vm(demo_vm, target)
    simulator.reset()
    before = contents(target)
    ended = run_failing(
        "package", simulator, target, "rename:error=EACCES", how="overwrite", only=target
    )
    assert_told(ended, errno.EACCES, "vm", demo_vm._moId)
    assert contents(target) == before
    assert os.listdir(target.parent) == ["vm"]


@traced
@pytest.mark.parametrize("refused", ["EROFS", "EACCES", "ENOSPC", "ENAMETOOLONG"])
def test_no_directory_can_be_made(simulator: Simulator, target: Path, refused: str) -> None:
    """That is known before there is a lease."""
    stage = target.parent / STAGE
    ended = run_failing("package", simulator, target, f"mkdir:error={refused}", only=stage)
    assert ended.said["errno"] == getattr(errno, refused)
    assert ended.said["filename"] == str(stage)
    assert simulator.calls("ExportVm") == []
    assert os.listdir(target.parent) == []


@mounted
def test_a_file_system_that_gets_full(demo_vm: Any, simulator: Simulator, target: Path) -> None:
    command = mounting(target.parent, "size=4m")
    ended = run_under(command, "package", simulator, target)
    assert re.fullmatch(r"disk-\d\.vmdk", ended.said["file"])
    assert_told(ended, errno.ENOSPC, f"{ended.said['file']}.part", demo_vm._moId)
    assert ended.said["there"] == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@mounted
def test_a_file_system_that_may_only_be_read(simulator: Simulator, target: Path) -> None:
    ended = run_under(mounting(target.parent, "ro"), "package", simulator, target)
    assert ended.said["errno"] == errno.EROFS
    assert ended.said["filename"] == str(target.parent / STAGE)
    assert simulator.calls("ExportVm") == []


@pytest.mark.skipif(not shutil.which("prlimit"), reason="not run: prlimit is not installed")
def test_a_file_that_may_not_be_so_large(demo_vm: Any, simulator: Simulator, target: Path) -> None:
    """Descriptor and manifest file would fit; a disk does not."""
    ended = run_under(["prlimit", f"--fsize={1 << 20}"], "package", simulator, target)
    assert re.fullmatch(r"disk-\d\.vmdk", ended.said["file"])
    assert_told(ended, errno.EFBIG, f"{ended.said['file']}.part", demo_vm._moId)
    assert os.listdir(target.parent) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="not run: root may write anywhere"
)
def test_a_directory_where_nobody_may_write(
    export: Export, demo_vm: Any, simulator: Simulator, target: Path
) -> None:
    target.parent.chmod(0o555)
    try:
        with pytest.raises(PermissionError) as raised:
            export(demo_vm, target)
    finally:
        target.parent.chmod(0o755)
    assert raised.value.filename.startswith(str(target))
    assert simulator.calls("ExportVm") == []
    assert os.listdir(target.parent) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_that_is_taken(
    export: Export, demo_vm: Any, simulator: Simulator, target: Path, overwrite: bool
) -> None:
    """By a file, or by a package that is not to be replaced: the error names it."""
    if overwrite:
        target.write_bytes(b"mine")
    else:
        export_vm(demo_vm, target)
        simulator.reset()
    before = contents(target.parent)
    with pytest.raises(FileExistsError) as raised:
        export(demo_vm, target, overwrite=overwrite)
    assert raised.value.filename == str(target)
    assert str(target) in str(raised.value)
    assert contents(target.parent) == before
    assert simulator.calls("ExportVm") == []
