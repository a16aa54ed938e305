"""What the error of a lost import says of the VM that it may have left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import LeaseLostError, NfcError
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.importing import Importing
from ..support.imports import import_one_disk
from ..support.inventory import DISK_SIZE, unique
from ..support.leases import disk_of

GONE = "vmodl.fault.ManagedObjectNotFound"
TOLD = r"may have left vm-\d+ behind"


def forgotten(simulator: Simulator) -> None:
    """As of a vCenter that was started again."""
    for method in ("HttpNfcLeaseProgress", "HttpNfcLeaseGetManifest", "HttpNfcLeaseAbort"):
        simulator.inject("soap_fault", method=method, fault=GONE)


def test_a_lease_that_was_forgotten(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    made = import_one_disk(open_lease, service, demo_vm, tmp_path, unique("left"))
    simulator.inject("stall", method="POST", after_bytes=DISK_SIZE // 8)
    with (
        pytest.raises(LeaseLostError, match=TOLD) as raised,
        open_lease(made.raw, keep_alive_interval=0.2) as lease,
    ):
        lease.wait_ready(10)
        forgotten(simulator)
        lease.upload(made.item, made.path)
    assert raised.value.vm in str(raised.value).partition("may have left")[2]
    assert len(str(raised.value)) <= 500


def test_a_job_whose_lease_was_forgotten(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    nfclease.export_vm(demo_vm, tmp_path / "out")
    simulator.inject("bandwidth", method="POST", bytes_per_second=DISK_SIZE // 8)
    simulator.inject("soap_fault", method="HttpNfcLeaseProgress", fault=GONE, skip=1)
    simulator.inject("soap_fault", method="HttpNfcLeaseAbort", fault=GONE)
    with pytest.raises(LeaseLostError, match=TOLD):
        Importing("blocking", demo_vm)(
            tmp_path / "out", name=unique("left"), keep_alive_interval=0.2
        )


@pytest.mark.parametrize("kind", ["an export", "a lease that expired"])
def test_what_leaves_nothing(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    kind: str,
) -> None:
    made = import_one_disk(open_lease, service, demo_vm, tmp_path, unique("left"))
    raw = demo_vm.ExportVm() if kind == "an export" else made.raw
    simulator.inject("stall", after_bytes=DISK_SIZE // 8)
    with pytest.raises(NfcError) as raised, open_lease(raw, keep_alive_interval=0.2) as lease:
        disk = disk_of(lease)
        if kind == "an export":
            forgotten(simulator)
            lease.download(disk, tmp_path / "disk")
        else:
            simulator.expire(raw._moId)
            lease.upload(made.item, made.path)
    assert type(raised.value) is LeaseLostError
    assert "left" not in str(raised.value)
