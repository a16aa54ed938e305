"""What ends is seen to end, and how: nobody waits for a dead task, and no failure is missed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..conftest import disk_of, endings, find

BOTH_FACES = True

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


def export(service: Any) -> Any:
    return find(service, vim.VirtualMachine, "demo-vm").ExportVm()


@pytest.mark.parametrize("wish", ENDLESS)
def test_a_wish_to_be_left_alone_for_ever(
    simulator: Simulator, service: Any, tmp_path: Path, wish: str
) -> None:
    """The second wait would be longer than time itself: it is refused as over the budget."""
    simulator.inject("status", disk="disk-1.vmdk", count=1, code=503, headers={"Retry-After": "1"})
    simulator.inject("status", disk="disk-1.vmdk", code=503, headers={"Retry-After": wish})
    with pytest.raises(nfclease.HttpStatusError) as caught, HttpNfcLease(export(service)) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert (caught.value.status, caught.value.attempts) == (503, 2)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not list(tmp_path.glob("*.part"))


def test_a_failure_that_nobody_read_is_never_completed(
    simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    """Left at once, again and again: the block's end races the transfer's."""
    simulator.inject("status", disk="disk-1.vmdk", code=410)
    for number in range(25):
        with (
            pytest.raises(nfclease.HttpStatusError),
            HttpNfcLease(export(service), max_retries=0) as lease,
        ):
            lease.start_download(disk_of(lease), tmp_path / str(number))
    assert endings(simulator) == ["HttpNfcLeaseAbort"] * 25
