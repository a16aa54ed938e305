"""What progress= shows, how often, and what its failures do. On both faces."""

from __future__ import annotations

import builtins
import functools
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nfclease import TransferProgress
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import import_spec, import_vm
from ..support.inventory import DISK_SIZE, unique
from ..support.leases import disk_of, endings
from .conftest import FailingExport


def test_a_callable_is_told(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 1.5)
    seen: list[TransferProgress] = []
    with open_lease(demo_vm.ExportVm()) as lease:
        info = lease.wait_ready(10)
        result = lease.download(disk_of(lease), tmp_path / "disk", progress=seen.append)
    done = [snapshot.bytes_done for snapshot in seen]
    assert done == sorted(done)
    assert 4 <= len(seen) <= 15
    assert seen[-1].done
    assert seen[-1].bytes_done == result.bytes
    assert [snapshot.done for snapshot in seen].count(True) == 1
    assert {snapshot.bytes_total for snapshot in seen[:-1]} == {None}, "no size is known, none told"
    assert {snapshot.seconds_left for snapshot in seen[:-1]} == {None}
    capacity = info.totalDiskCapacityInKB * 1024
    assert {snapshot.disk_capacity for snapshot in seen[:-1]} == {capacity}
    assert DISK_SIZE / 3 < seen[-1].rate < DISK_SIZE, "at the end, over the whole time"
    middle = seen[len(seen) // 2]
    assert DISK_SIZE / 6 < middle.rate < DISK_SIZE * 4
    assert (middle.name, middle.attempts) == ("disk-1.vmdk", 1)


def test_five_times_a_second_for_each_file(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """However often the end of another file wakes the waiting side."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 2)
    told: list[tuple[float, TransferProgress]] = []
    with open_lease(demo_vm.ExportVm(), max_concurrency=8) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path, progress=lambda each: told.append((time.monotonic(), each)))
    assert len({each.key for _, each in told}) == 5
    for key in {each.key for _, each in told}:
        moments = [at for at, each in told if each.key == key and not each.done]
        gaps = [after - before for before, after in itertools.pairwise(moments)]
        assert min(gaps, default=1.0) > 0.15


def test_an_upload_knows_its_size(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    seen: list[TransferProgress] = []
    spec = import_spec(service, demo_vm, unique("progress"))
    with open_lease(import_vm(demo_vm, spec), require_uploads=False) as lease:
        item = next(item for item in spec.fileItem if "nvram" in item.path)
        lease.upload(item, b"n" * 5000, progress=seen.append)
    assert (seen[-1].bytes_done, seen[-1].bytes_total) == (5000, 5000)
    assert {snapshot.disk_capacity for snapshot in seen} == {None}


def test_its_exception_comes_out_unchanged(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 5)
    error = LookupError("mine")

    def fail(snapshot: TransferProgress) -> None:
        if snapshot.bytes_done:
            raise error

    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(LookupError) as caught, lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path, progress=fail)
    assert caught.value is error
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not list(tmp_path.glob("*.part"))


async def told_later(snapshot: TransferProgress) -> None:
    """Nobody would await it."""


class ToldLater:
    async def __call__(self, snapshot: TransferProgress) -> None:
        """Nor this."""


@pytest.mark.parametrize(
    "progress",
    [
        pytest.param(lambda: None, id="no argument"),
        pytest.param(lambda a, b: None, id="two arguments"),
        pytest.param("yes", id="text"),
        pytest.param(told_later, id="coroutine function"),
        pytest.param(functools.partial(told_later), id="partial of one"),
        pytest.param(ToldLater(), id="object with one"),
        pytest.param(1, id="number"),
    ],
)
def test_what_cannot_be_called_is_refused_before_any_byte(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, progress: Any
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        calls: list[Callable[[], object]] = [
            lambda: lease.download(disk, tmp_path / "disk", progress=progress),
            lambda: lease.download_all(tmp_path, progress=progress),
            lambda: lease.upload(disk, b"x", progress=progress),
        ]
        for call in calls:
            with pytest.raises(TypeError, match="progress"):
                call()
    assert simulator.requests() == []
    assert list(tmp_path.iterdir()) == []


def test_without_rich(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", missing)
    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(ImportError, match=r"nfclease\[progress\]"), lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path, progress=True)
    assert simulator.requests() == []


def test_a_failure_is_told(failing_export: FailingExport, tmp_path: Path) -> None:
    seen: list[TransferProgress] = []
    failing_export(tmp_path, seen.append)
    [failed] = [snapshot for snapshot in seen if snapshot.failed]
    assert (failed.name, failed.done) == ("disk-2.vmdk", True)
