"""Files whose size the lease does not say: as much of them as the caller allows."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import endings


def nvram_of(lease: Any) -> Any:
    devices = lease.wait_ready(10).deviceUrl
    return next(url for url in devices if "nvram" in (url.targetId or ""))


def test_it_has_a_limit(
    open_lease: OpenLease, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    simulator.inject("device_url", disk="nvram", fields={"fileSize": None})
    lease = open_lease(demo_vm.ExportVm(), max_unannounced_size=1000)
    with pytest.raises(nfclease.LimitExceededError, match="max_unannounced_size") as caught, lease:
        lease.download(nvram_of(lease), tmp_path / "nvram")
    assert caught.value.allowed == 1000
    assert os.listdir(tmp_path) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_it_can_be_raised(open_lease: OpenLease, simulator: Simulator, demo_vm: Any) -> None:
    simulator.inject("device_url", disk="nvram", fields={"fileSize": None})
    target = io.BytesIO()
    with open_lease(demo_vm.ExportVm(), max_unannounced_size=1 << 20) as lease:
        result = lease.download(nvram_of(lease), target)
    assert 1000 < result.bytes == len(target.getvalue()) < 1 << 20


def test_what_is_announced_is_not_limited(open_lease: OpenLease, demo_vm: Any) -> None:
    with open_lease(demo_vm.ExportVm(), max_unannounced_size=1) as lease:
        for device_url in lease.wait_ready(10).deviceUrl:
            assert lease.download(device_url, io.BytesIO()).verified == "manifest"


@pytest.mark.parametrize("value", [0, -1, 1 << 63, -(1 << 200), 1 << 200])
def test_out_of_range(open_lease: OpenLease, demo_vm: Any, value: int) -> None:
    with pytest.raises(ValueError, match="max_unannounced_size must be 1 to"):
        open_lease(demo_vm.ExportVm(), max_unannounced_size=value)
