"""Files of one device go one after another, since later ones may be deltas; others side by side."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import AsyncHttpNfcLease, HttpNfcLease
from nfclease.simulator import Simulator

from .conftest import endings, unique, whole_disk
from .test_stall import import_lease

BOTH_FACES = True

SIZES = [70_000, 140_000, 280_000, 420_000]
CHAIN = [whole_disk(size) for size in SIZES]


@pytest.fixture
def imported(service: Any, simulator: Simulator, tmp_path: Path) -> Any:
    """An import of one disk and its item, whose size nobody knows."""
    raw, item, _ = import_lease(service, tmp_path, unique("ordered"))
    simulator.reset()
    item.size = None
    return raw, item


def lengths(simulator: Simulator) -> list[int]:
    """Of the bodies that were sent, in order."""
    return [request["bytes_received"] for request in simulator.requests()]


def assert_one_after_another(simulator: Simulator) -> None:
    assert lengths(simulator) == [len(data) for data in CHAIN]
    for first, second in itertools.pairwise(simulator.requests()):
        assert first["ended"] <= second["started"]


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_parent_and_its_deltas(simulator: Simulator, imported: Any, at_once: int) -> None:
    raw, item = imported
    simulator.inject("bandwidth", method="POST", bytes_per_second=1 << 20)
    with HttpNfcLease(raw, max_concurrency=at_once) as lease:
        lease.wait_ready(10)
        started = [lease.start_upload(item, data) for data in CHAIN]
        assert [one.result(60).verified for one in started] == ["manifest"] * len(CHAIN)
    assert_one_after_another(simulator)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.blocking_face
def test_calls_that_a_loop_makes_at_once(simulator: Simulator, imported: Any) -> None:
    raw, item = imported
    simulator.inject("bandwidth", method="POST", bytes_per_second=1 << 20)

    async def send() -> list[nfclease.TransferResult]:
        async with AsyncHttpNfcLease(raw) as lease:
            return await asyncio.gather(*(lease.upload(item, data) for data in CHAIN))

    assert {result.verified for result in asyncio.run(send())} == {"manifest"}
    assert_one_after_another(simulator)


def test_a_delta_whose_parent_failed(simulator: Simulator, imported: Any) -> None:
    raw, item = imported
    simulator.inject("status", method="POST", code=500, count=1)
    with pytest.raises(nfclease.HttpStatusError), HttpNfcLease(raw) as lease:
        lease.wait_ready(10)
        started = [lease.start_upload(item, data) for data in CHAIN]
        for one in started[1:]:
            with pytest.raises(nfclease.TransferCancelledError, match="HTTP status 500"):
                one.result(60)
    assert len(simulator.requests()) == 1
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_failure_that_was_read_holds_up_nothing(simulator: Simulator, imported: Any) -> None:
    raw, item = imported
    simulator.inject("status", method="POST", code=500, count=1)
    with HttpNfcLease(raw) as lease:
        lease.wait_ready(10)
        with pytest.raises(nfclease.HttpStatusError):
            lease.upload(item, CHAIN[0])
        assert lease.upload(item, CHAIN[0]).verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
