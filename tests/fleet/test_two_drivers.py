"""Two drivers on one vCenter, each with its own journal: both end right, and their caps add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.inventory import added_vms
from ..support.journals import states
from ..support.waiting import wait_for
from .script import Script, is_moving

SIMULATOR = {"disk_size": 1 << 18}


@pytest.fixture
def vms(simulator: Simulator) -> list[str]:
    return added_vms(simulator, "shared", 6)


def ended(script: Script) -> str:
    """The states of its jobs, as it prints them."""
    out, error = script.end()
    assert script.process.returncode == 0, error
    return out.splitlines()[-1]


def test_each_with_vms_of_its_own(simulator: Simulator, vms: list[str], tmp_path: Path) -> None:
    simulator.inject("bandwidth", bytes_per_second=100_000)
    one = Script(f"journal={tmp_path / 'one.db'}", simulator, tmp_path, vms[:3])
    two = Script(f"journal={tmp_path / 'two.db'}", simulator, tmp_path, vms[3:])
    wait_for(lambda: is_moving(simulator, 4), 60)  # two of each: neither knows of the other
    simulator.clear()
    assert [ended(one), ended(two)] == ["states done done done"] * 2
    assert all(verify(tmp_path / f"{vm}.ova") for vm in vms)
    assert [*states(tmp_path / "one.db").values()] == ["done"] * 3
    assert [*states(tmp_path / "two.db").values()] == ["done"] * 3
    assert len(simulator.calls("Logout")) == len(simulator.calls("Login")) == 2


def test_both_with_the_same_vms(simulator: Simulator, vms: list[str], tmp_path: Path) -> None:
    """The server lets one lease have a VM at a time: the other driver waits for it."""
    simulator.set(exclusive_leases=True)
    simulator.inject("bandwidth", bytes_per_second=100_000)
    places = [tmp_path / "one", tmp_path / "two"]
    scripts = [
        Script(f"journal={tmp_path / place.name}.db", simulator, place, vms[:3]) for place in places
    ]
    wait_for(lambda: "TaskInProgress" in str([call["result"] for call in simulator.calls()]), 60)
    simulator.clear()
    assert [ended(script) for script in scripts] == ["states done done done"] * 2
    assert all(verify(place / f"{vm}.ova") for place in places for vm in vms[:3])
    for place in places:
        assert {*states(tmp_path / f"{place.name}.db").values()} == {"done"}
    assert len(simulator.calls("HttpNfcLeaseComplete")) == 6
