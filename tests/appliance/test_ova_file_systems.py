"""File systems that fail under an OVA: the target is as it was, and nothing lies beside it."""

from __future__ import annotations

import errno
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.failing_calls import (
    Ended,
    mounted,
    mounting,
    run_failing,
    run_under,
    trace_of,
    traced,
)
from ..support.leases import endings
from ..support.spooling import spooling


def export(simulator: Simulator, ova: Path, *faults: str, only: Path | None = None) -> Ended:
    how = "overwrite" if ova.exists() else "new"
    return run_failing("package", simulator, ova, *faults, how=how, only=only)


@pytest.fixture
def ova(tmp_path: Path) -> Path:
    directory = tmp_path / "out"
    directory.mkdir()
    return directory / "vm.ova"


@traced
def test_it_is_written_once(simulator: Simulator, ova: Path) -> None:
    """All but the holes that pad its members; what was spooled is moved by the system."""
    part = ova.parent / "vm.ova.part"
    with spooling(simulator, ova):
        export(simulator, ova, "write", "pwrite64", "sendfile", "copy_file_range", only=part)
    trace = trace_of(ova).read_text()
    moved = [int(count) for count in re.findall(r"\) += (\d+)$", trace, re.MULTILINE)]
    with tarfile.open(ova, "r:") as archive:
        _, _, *files = [member.size for member in archive]
    assert "copy_file_range(" in trace
    assert sum(moved) + sum(-size % 512 for size in files) == ova.stat().st_size


@traced
@pytest.mark.parametrize("refused", ["ENOSYS", "EXDEV", "EOPNOTSUPP", "EPERM"])
def test_without_the_systems_copy(simulator: Simulator, ova: Path, refused: str) -> None:
    """What was spooled is then read and written."""
    with spooling(simulator, ova):
        ended = export(simulator, ova, f"copy_file_range:error={refused}")
    assert ended.said == {"verified": ["manifest"]}
    assert refused in trace_of(ova).read_text()
    assert os.listdir(ova.parent) == ["vm.ova"]


@traced
@pytest.mark.parametrize("refused", ["EINVAL", "EOPNOTSUPP"])
def test_without_a_rename_that_replaces_nothing(
    simulator: Simulator, ova: Path, refused: str
) -> None:
    faults = f"renameat2:error={refused}", f"linkat:error={refused}"
    assert export(simulator, ova, *faults).said == {"verified": ["manifest"]}
    assert os.listdir(ova.parent) == ["vm.ova"]


@traced
def test_a_slow_disk(simulator: Simulator, ova: Path) -> None:
    """Its writes go on on a thread of their own, in the same order."""
    ended = export(simulator, ova, "write:delay_enter=30000", only=ova.parent / "vm.ova.part")
    assert ended.said == {"verified": ["manifest"]}
    assert nfclease.verify(ova).ok
    assert os.listdir(ova.parent) == ["vm.ova"]


@traced
@pytest.mark.parametrize(
    ("fault", "where"),
    [
        ("write:error=ENOSPC", "vm.ova.part"),
        ("write:error=ENOSPC", "vm.ova.1.part"),
        ("ftruncate:error=EIO:when=3+", "vm.ova.part"),
        ("fsync:error=EIO", "vm.ova.part"),
        ("copy_file_range:error=ENOSPC", ""),
    ],
)
def test_one_that_fails(
    simulator: Simulator, demo_vm: Any, ova: Path, fault: str, where: str
) -> None:
    ova.write_bytes(b"old")
    with spooling(simulator, ova):
        ended = export(simulator, ova, fault, only=ova.parent / where if where else None)
    assert ended.said["errno"] == getattr(errno, fault.split("=")[1].partition(":")[0])
    assert Path(ended.said["filename"]).parent == ova.parent
    assert ended.said["vm"] == demo_vm._moId
    assert not ended.said["files_left"]
    assert os.listdir(ova.parent) == ["vm.ova"]
    assert ova.read_bytes() == b"old"
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@mounted
def test_a_disk_that_is_full_with_the_last_bytes_aborts_the_lease(
    simulator: Simulator, demo_vm: Any, ova: Path
) -> None:
    """All disks have their room; what comes last, the descriptor in front of them, has not."""
    nfclease.export_vm(demo_vm, ova, max_concurrency=1)
    pages = -(-ova.stat().st_size // 4096)
    ova.unlink()
    simulator.reset()
    command = mounting(ova.parent, f"size={(pages - 1) * 4096}")
    ended = run_under(command, "package", simulator, ova, "one by one")
    assert ended.said["errno"] == errno.ENOSPC
    assert ended.said["vm"] == demo_vm._moId
    assert (ended.said["there"], ended.said["files_left"]) == ([], None)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
