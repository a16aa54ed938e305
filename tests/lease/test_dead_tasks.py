"""What ends is seen to end, and how: nobody waits for a dead task, and no failure is missed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import disk_of, endings

#: All that a Retry-After can say in seconds, and more than that.
ENDLESS = ["18446744073709551615", "9" * 40]


@pytest.fixture(autouse=True)
def _not_for_ever() -> Iterator[None]:
    """A wait without an end is a failure here, not a suite that stands still."""

    def rang(*_: Any) -> None:
        raise AssertionError("still waiting")

    before = signal.signal(signal.SIGALRM, rang)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("wish", ENDLESS)
def test_a_wish_to_be_left_alone_for_ever(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, wish: str
) -> None:
    """The second wait would be longer than time itself: it is refused as over the budget."""
    simulator.inject("status", disk="disk-1.vmdk", count=1, code=503, headers={"Retry-After": "1"})
    simulator.inject("status", disk="disk-1.vmdk", code=503, headers={"Retry-After": wish})
    with pytest.raises(nfclease.HttpStatusError) as caught, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert (caught.value.status, caught.value.attempts) == (503, 2)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not list(tmp_path.glob("*.part"))


def test_a_failure_that_nobody_read_is_never_completed(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """Left at once, again and again: the block's end races the transfer's."""
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    for number in range(25):
        with (
            pytest.raises(nfclease.HttpStatusError),
            open_lease(demo_vm.ExportVm(), max_retries=0) as lease,
        ):
            lease.start_download(disk_of(lease), tmp_path / str(number))
    assert endings(simulator) == ["HttpNfcLeaseAbort"] * 25
