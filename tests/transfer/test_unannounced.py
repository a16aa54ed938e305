"""Files whose size the lease does not say: as much of them as the caller allows."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..conftest import endings, find

BOTH_FACES = True


def nvram_of(lease: Any) -> Any:
    devices = lease.wait_ready(10).deviceUrl
    return next(url for url in devices if "nvram" in (url.targetId or ""))


def exported(service: Any, **options: Any) -> Any:
    vm = find(service, vim.VirtualMachine, "demo-vm")
    return HttpNfcLease(vm.ExportVm(), **options)


def test_it_has_a_limit(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    simulator.inject("device_url", disk="nvram", fields={"fileSize": None})
    lease = exported(service, max_unannounced_size=1000)
    with pytest.raises(nfclease.LimitExceededError, match="max_unannounced_size") as caught, lease:
        lease.download(nvram_of(lease), tmp_path / "nvram")
    assert caught.value.allowed == 1000
    assert os.listdir(tmp_path) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_it_can_be_raised(simulator: Simulator, service: Any) -> None:
    simulator.inject("device_url", disk="nvram", fields={"fileSize": None})
    target = io.BytesIO()
    with exported(service, max_unannounced_size=1 << 20) as lease:
        result = lease.download(nvram_of(lease), target)
    assert 1000 < result.bytes == len(target.getvalue()) < 1 << 20


def test_what_is_announced_is_not_limited(service: Any) -> None:
    with exported(service, max_unannounced_size=1) as lease:
        for device_url in lease.wait_ready(10).deviceUrl:
            assert lease.download(device_url, io.BytesIO()).verified == "manifest"


@pytest.mark.parametrize("value", [0, -1, 1 << 63])
def test_out_of_range(service: Any, value: int) -> None:
    with pytest.raises(ValueError, match="max_unannounced_size must be 1 to"):
        exported(service, max_unannounced_size=value)
