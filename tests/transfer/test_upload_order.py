"""Files of one device go one after another, since later ones may be deltas; others side by side."""

from __future__ import annotations

import asyncio
import itertools
import re
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import AsyncHttpNfcLease, HttpNfcLease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported, descriptor_of, import_one_disk, import_vm, spec_of
from ..support.inventory import unique
from ..support.leases import endings, whole_disk

SIZES = [70_000, 140_000, 280_000, 420_000]
CHAIN = [whole_disk(size) for size in SIZES]


@pytest.fixture
def imported(imported: Imported) -> Imported:
    """An import of one disk whose size nobody knows."""
    imported.item.size = None
    return imported


def lengths(simulator: Simulator) -> list[int]:
    """Of the bodies that were sent, in order."""
    return [request["bytes_received"] for request in simulator.requests()]


def assert_one_after_another(simulator: Simulator) -> None:
    assert lengths(simulator) == [len(data) for data in CHAIN]
    for first, second in itertools.pairwise(simulator.requests()):
        assert first["ended"] <= second["started"]


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_parent_and_its_deltas(
    open_lease: OpenLease, simulator: Simulator, imported: Imported, at_once: int
) -> None:
    raw, item, *_ = imported
    simulator.inject("bandwidth", method="POST", bytes_per_second=1 << 20)
    with open_lease(raw, max_concurrency=at_once) as lease:
        lease.wait_ready(10)
        started = [lease.start_upload(item, data) for data in CHAIN]
        assert [one.result(60).verified for one in started] == ["manifest"] * len(CHAIN)
    assert_one_after_another(simulator)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_calls_that_a_loop_makes_at_once(
    simulator: Simulator, service: Any, demo_vm: Any, tmp_path: Path
) -> None:
    raw, item, *_ = import_one_disk(HttpNfcLease, service, demo_vm, tmp_path, unique("at-once"))
    item.size = None
    simulator.reset()
    simulator.inject("bandwidth", method="POST", bytes_per_second=1 << 20)

    async def send() -> list[nfclease.TransferResult]:
        async with AsyncHttpNfcLease(raw) as lease:
            return await asyncio.gather(*(lease.upload(item, data) for data in CHAIN))

    assert {result.verified for result in asyncio.run(send())} == {"manifest"}
    assert_one_after_another(simulator)


def test_a_delta_whose_parent_failed(
    open_lease: OpenLease, simulator: Simulator, imported: Imported
) -> None:
    raw, item, *_ = imported
    simulator.inject("status", method="POST", code=500, count=1)
    with pytest.raises(nfclease.HttpStatusError), open_lease(raw) as lease:
        lease.wait_ready(10)
        started = [lease.start_upload(item, data) for data in CHAIN]
        for one in started[1:]:
            with pytest.raises(nfclease.TransferCancelledError, match="HTTP status 500"):
                one.result(60)
    assert len(simulator.requests()) == 1
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_failure_that_was_read_holds_up_nothing(
    open_lease: OpenLease, simulator: Simulator, imported: Imported
) -> None:
    raw, item, *_ = imported
    simulator.inject("status", method="POST", code=500, count=1)
    with open_lease(raw) as lease:
        lease.wait_ready(10)
        with pytest.raises(nfclease.HttpStatusError):
            lease.upload(item, CHAIN[0])
        assert lease.upload(item, CHAIN[0]).verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_descriptor_with_a_delta(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any
) -> None:
    text = descriptor_of(service, demo_vm)
    first, second = re.findall(r'<Disk [^>]*ovf:diskId="(\w+)"', text)[:2]
    text = text.replace(f'ovf:diskId="{second}"', f'ovf:diskId="{second}" ovf:parentRef="{first}"')
    spec = spec_of(service, demo_vm, text, unique("delta"))
    items = [item for item in spec.fileItem if item.cimType == 17]
    simulator.reset()
    simulator.inject("bandwidth", method="POST", bytes_per_second=1 << 20)
    with open_lease(import_vm(demo_vm, spec), require_uploads=items) as lease:
        lease.wait_ready(10)
        for item in items:
            item.size = None
        for one in [lease.start_upload(item, CHAIN[2]) for item in items]:
            one.result(60)
    [device] = {
        item.deviceId for item in items if [i.deviceId for i in items].count(item.deviceId) > 1
    }
    chain = [one for one in simulator.requests() if device in one["disk"]]
    assert len(chain) == 2
    assert chain[0]["ended"] <= chain[1]["started"]
    begun = [one["started"] for one in simulator.requests() if device not in one["disk"]]
    assert max(begun) < chain[0]["ended"], "others do not wait"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
