"""The limits in bytes per second, of a lease and of the process. Nothing else waits for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.inventory import DISK_SIZE, demo_vm_of
from ..support.leases import disk_of, endings, whole_disk
from ..support.waiting import wait_for

#: A busy machine is slower than a limit, never faster: this is the one bound that is always there.
TOLERANCE = 1.05


@pytest.fixture(autouse=True)
def unlimited() -> Iterator[None]:
    """Of the whole process, so that no other test is slowed."""
    yield
    nfclease.set_max_bytes_per_second(None)


def timed(work: Any) -> tuple[Any, float]:
    began = time.monotonic()
    result = work()
    return result, time.monotonic() - began


def export_all(open_lease: Any, vm: Any, directory: Path, **options: Any) -> tuple[int, float]:
    """Bytes and seconds of an export of all disks at once."""
    with open_lease(vm.ExportVm(), **options) as lease:
        lease.wait_ready(10)
        results, seconds = timed(lambda: lease.download_all(directory))
    return sum(result.bytes for result in results), seconds


def test_all_downloads_of_a_lease_share_its_limit(
    open_lease: OpenLease, demo_vm: Any, tmp_path: Path
) -> None:
    rate = 2 * DISK_SIZE
    moved, seconds = export_all(
        open_lease, demo_vm, tmp_path / "limited", max_bytes_per_second=rate
    )
    assert moved > 2 * DISK_SIZE  # three disks, at once
    assert moved / seconds <= rate * TOLERANCE


def test_an_upload_is_no_faster(
    open_lease: OpenLease, simulator: Simulator, imported: Imported
) -> None:
    raw, item, *_ = imported
    source = whole_disk(8 << 20)
    with open_lease(raw, max_bytes_per_second=4 << 20, verify_size=False) as lease:
        lease.wait_ready(10)
        result, seconds = timed(lambda: lease.upload(item, source))
    assert result.bytes / seconds <= (4 << 20) * TOLERANCE
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_the_leases_of_the_process_share_its_limit(
    open_lease: OpenLease, demo_vm: Any, service: Any, tmp_path: Path
) -> None:
    rate = 4 * DISK_SIZE
    assert nfclease.set_max_bytes_per_second(rate) is None
    done: list[tuple[int, float]] = []

    def other() -> None:
        done.append(export_all(HttpNfcLease, demo_vm_of(service), tmp_path / "other"))

    thread = threading.Thread(target=other)
    began = time.monotonic()
    thread.start()
    done.append(export_all(open_lease, demo_vm, tmp_path / "own", max_bytes_per_second=1 << 40))
    thread.join()
    seconds = time.monotonic() - began
    assert sum(moved for moved, _ in done) / seconds <= rate * TOLERANCE
    assert nfclease.set_max_bytes_per_second(None) == rate


def test_what_waits_for_a_limit_hears_of_another(
    open_lease: OpenLease, demo_vm: Any, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm(), max_bytes_per_second=1024) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        time.sleep(0.3)
        assert not transfer.done()
        assert nfclease.set_max_bytes_per_second(None, getattr(lease, "driven", lease)) == 1024
        # At the old rate it would take an hour.
        assert transfer.result(timeout=60).verified == "manifest"


def test_a_limit_is_no_stall(
    open_lease: OpenLease, simulator: Simulator, imported: Imported, demo_vm: Any, tmp_path: Path
) -> None:
    """A piece waits longer than a host may be silent."""
    raw, item, path, _ = imported
    options: dict[str, Any] = {"max_retries": 0, "timeout": 0.3, "max_bytes_per_second": 1024}

    def unlimited_later(lease: Any, transfer: nfclease.Transfer) -> int:
        time.sleep(1.5)
        assert not transfer.done()
        nfclease.set_max_bytes_per_second(None, getattr(lease, "driven", lease))
        return transfer.result(timeout=60).bytes

    with open_lease(raw, **options) as lease:
        lease.wait_ready(10)
        sent = unlimited_later(lease, lease.start_upload(item, path))
    with open_lease(demo_vm.ExportVm(), **options) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        assert unlimited_later(lease, transfer) == sent == path.stat().st_size


def test_a_silent_host_is_a_stall_still(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=DISK_SIZE // 2)
    options: dict[str, Any] = {"timeout": 1.0, "max_retries": 0, "max_bytes_per_second": 1 << 24}
    with (
        pytest.raises(nfclease.StallError),
        open_lease(demo_vm.ExportVm(), **options) as lease,
    ):
        lease.download(disk_of(lease), tmp_path / "disk")


@pytest.mark.parametrize("way", ["cancel", "close"])
def test_no_end_waits_for_a_limit(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, way: str
) -> None:
    with open_lease(demo_vm.ExportVm(), max_bytes_per_second=1024) as lease:
        transfer = lease.start_download(disk_of(lease), tmp_path / "disk")
        wait_for(lambda: simulator.requests() != [])
        if way == "cancel":
            transfer.cancel()
        _, seconds = timed(lease.close)
    assert seconds < 5.0  # a piece would take a minute
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_the_keep_alive_waits_for_none(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"max_bytes_per_second": 1024, "keep_alive_interval": 0.2}
    with open_lease(demo_vm.ExportVm(), **options) as lease:
        lease.start_download(disk_of(lease), tmp_path / "disk")
        wait_for(
            lambda: [call["method"] for call in simulator.calls()].count("HttpNfcLeaseProgress") > 3
        )
        lease.close()


@pytest.mark.parametrize("rate", [0, 1023, -1, 1 << 63])
def test_what_is_no_rate(open_lease: OpenLease, demo_vm: Any, rate: int) -> None:
    with pytest.raises(ValueError, match=f"max_bytes_per_second must be 1024 to .*, not {rate}"):
        nfclease.set_max_bytes_per_second(rate)
    with pytest.raises(ValueError, match="max_bytes_per_second must be 1024"):
        open_lease(demo_vm.ExportVm(), max_bytes_per_second=rate)
    wrong: Any = "1 MB"
    with pytest.raises(TypeError, match="max_bytes_per_second must be a number of bytes or None"):
        nfclease.set_max_bytes_per_second(wrong)


def test_export_vm_and_import_vapp_have_it(demo_vm: Any, tmp_path: Path) -> None:
    rate = 3 * DISK_SIZE
    target = tmp_path / "demo.ova"
    exported, seconds = timed(
        lambda: nfclease.export_vm(demo_vm, target, max_bytes_per_second=rate)
    )
    moved = sum(file.size for file in exported.files)
    assert moved / seconds <= rate * TOLERANCE
    pool: vim.ResourcePool = demo_vm.resourcePool
    imported, seconds = timed(
        lambda: nfclease.import_vapp(target, pool, name="limited", max_bytes_per_second=rate)
    )
    assert sum(file.size for file in imported.files) / seconds <= rate * TOLERANCE
    with pytest.raises(ValueError, match="the host fetches the files itself"):
        nfclease.import_vapp(
            "https://127.0.0.1:9/demo.ova", pool, pull=True, max_bytes_per_second=rate
        )
