"""Which VM: every record and every error names lease or VM, file and host."""

from __future__ import annotations

import errno
import logging
import pickle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import disk_of
from ..support.records import ours


def test_a_transfer_that_is_started_again(
    open_lease: OpenLease,
    simulator: Simulator,
    demo_vm: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulator.inject("cut", disk="disk-1.vmdk", count=1, after_bytes=1 << 20)
    with caplog.at_level(logging.DEBUG), open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.download(disk, tmp_path / "disk")
        [record] = ours(caplog)
        assert record.nfclease_lease == lease._moId
    assert record.nfclease_vm == demo_vm._moId
    assert record.nfclease_file == disk.targetId
    assert record.nfclease_host == urlsplit(disk.url).netloc
    assert f"({demo_vm._moId})" in record.getMessage()
    assert record.levelname == "WARNING"


def test_a_transfer_that_fails(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    with pytest.raises(nfclease.HttpStatusError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.download(disk, tmp_path / "disk")
    error = raised.value
    names = (error.lease, error.vm, error.file, error.host)
    assert names == (lease._moId, demo_vm._moId, disk.targetId, urlsplit(disk.url).hostname)
    assert str(error).count(demo_vm._moId) == 1
    assert pickle.loads(pickle.dumps(error)).vm == demo_vm._moId


def test_a_failure_that_nobody_read(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    with pytest.raises(nfclease.HttpStatusError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.start_download(disk, tmp_path / "disk")
    assert (raised.value.file, raised.value.vm) == (disk.targetId, demo_vm._moId)


def test_a_lease_that_is_lost(
    open_lease: OpenLease,
    simulator: Simulator,
    demo_vm: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulator.inject("bandwidth", bytes_per_second=1 << 20)
    lease = open_lease(demo_vm.ExportVm(), keep_alive_interval=0.2)
    with caplog.at_level(logging.DEBUG), pytest.raises(nfclease.LeaseLostError) as raised, lease:
        lease.wait_ready(10)
        simulator.expire()
        lease.download_all(tmp_path)
    assert (raised.value.lease, raised.value.vm) == (lease._moId, demo_vm._moId)
    assert demo_vm._moId in str(raised.value)
    assert ours(caplog)
    for record in ours(caplog):
        assert record.nfclease_lease == lease._moId
        assert record.nfclease_vm == demo_vm._moId
        assert demo_vm._moId in record.getMessage()


def test_a_local_error(open_lease: OpenLease, demo_vm: Any, tmp_path: Path) -> None:
    """Its own text stays; a note says the rest."""
    target = tmp_path / "disk"

    def take_name(_: nfclease.TransferProgress) -> None:
        target.write_bytes(b"somebody else's")

    with pytest.raises(FileExistsError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        lease.download(disk, target, progress=take_name)
    error: Any = raised.value
    assert (error.errno, error.filename) == (errno.EEXIST, str(target))
    host = urlsplit(disk.url).hostname
    assert error.__notes__ == [f"{disk.targetId} at {host} ({demo_vm._moId})"]


def test_a_lease_that_was_never_ready(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any
) -> None:
    simulator.inject("init_error", count=1)
    with pytest.raises(nfclease.LeaseInitError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
    assert raised.value.lease == lease._moId
    assert lease._moId in str(raised.value)


def test_a_keep_alive_that_stumbles(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.inject("soap_fault", method="HttpNfcLeaseProgress", count=1)
    with (
        caplog.at_level(logging.DEBUG),
        open_lease(demo_vm.ExportVm(), keep_alive_interval=0.05) as lease,
    ):
        lease.wait_ready(10)
        while len(simulator.calls("HttpNfcLeaseProgress")) < 3:
            assert lease.state == "ready"
    [record] = ours(caplog)
    assert (record.nfclease_lease, record.nfclease_vm) == (lease._moId, demo_vm._moId)
    assert f"lease {lease._moId} of {demo_vm._moId}: keep-alive" in record.getMessage()
    assert record.name == "nfclease.lease.keep_alive.serving"  # as docs/logging.md says


def test_a_lease_that_is_ended_from_outside(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(nfclease.TransferCancelledError) as raised,
        open_lease(demo_vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        nfclease.cancel_all()
    [record] = ours(caplog)
    assert (record.nfclease_lease, record.nfclease_vm) == (lease._moId, demo_vm._moId)
    assert raised.value.vm == demo_vm._moId
    assert demo_vm._moId in str(raised.value)


def test_each_record_has_each_attribute(
    open_lease: OpenLease,
    simulator: Simulator,
    demo_vm: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A format with all of them never fails."""
    simulator.inject("no_manifest")
    handler = logging.StreamHandler()
    names = ("lease", "vm", "file", "host")
    handler.setFormatter(logging.Formatter(" ".join(f"<%(nfclease_{name})s>" for name in names)))
    logger = logging.getLogger("nfclease")
    logger.addHandler(handler)
    try:
        with open_lease(demo_vm.ExportVm()) as lease:
            lease.wait_ready(10)
            lease.download_all(tmp_path)
    finally:
        logger.removeHandler(handler)
    assert f"<{lease._moId}> <{demo_vm._moId}>" in capsys.readouterr().err
