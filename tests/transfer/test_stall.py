"""The stall watchdog: a silent host ends a transfer, a slow one does not."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings, whole_disk


def test_a_silent_download(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=DISK_SIZE // 2)
    began = time.monotonic()
    with (
        pytest.raises(nfclease.StallError),
        open_lease(demo_vm.ExportVm(), timeout=1.0, max_retries=0) as lease,
    ):
        disk = disk_of(lease)
        lease.download(disk, tmp_path / "disk")
    assert 1.0 <= time.monotonic() - began < 4.0
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_a_silent_upload(open_lease: OpenLease, simulator: Simulator, imported: Imported) -> None:
    raw, item, *_ = imported
    simulator.inject("stall", method="POST", after_bytes=1 << 20)
    # Larger than all socket buffers between, so that the silence is felt before the last byte.
    source = io.BytesIO(whole_disk(64 << 20))
    began = time.monotonic()
    with (
        pytest.raises(nfclease.StallError),
        open_lease(raw, timeout=1.0, max_retries=0, verify_size=False) as lease,
    ):
        lease.wait_ready(10)
        lease.upload(item, source)
    assert 1.0 <= time.monotonic() - began < 6.0
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_slow_upload_outlives_the_timeout(
    open_lease: OpenLease, simulator: Simulator, imported: Imported
) -> None:
    raw, item, path, _ = imported
    simulator.inject("bandwidth", method="POST", bytes_per_second=DISK_SIZE / 4)
    with open_lease(raw, timeout=1.0, max_retries=0) as lease:
        lease.wait_ready(10)
        result = lease.upload(item, path)
    assert result.seconds > 3.0
    assert result.verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
