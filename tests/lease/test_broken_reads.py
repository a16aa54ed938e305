"""Calls of the script over a connection that breaks before the answer."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease import ConnectError, HttpNfcLease
from nfclease.simulator import Simulator

from ..support.importing import calls_of


def test_a_read_is_asked_once_more(demo_vm: Any, simulator: Simulator) -> None:
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        before = calls_of(simulator, "Fetch")
        simulator.inject("drop", method="Fetch", count=1)
        info = lease.info
        assert info is not None
        assert info.deviceUrl
        assert calls_of(simulator, "Fetch") == before + 2


def test_a_server_that_is_silent_twice_is_named(demo_vm: Any, simulator: Simulator) -> None:
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        simulator.inject("drop", method="Fetch", count=2)
        server = f"Fetch at {simulator.host}:{simulator.port}: the connection broke"
        with pytest.raises(ConnectError, match=server):
            lease.info  # noqa: B018 - reading it is the call
        assert lease.state == "ready"


def test_what_changes_something_is_not(demo_vm: Any, simulator: Simulator) -> None:
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        simulator.inject("drop", method="HttpNfcLeaseProgress", count=1)
        with pytest.raises(ConnectError):
            lease.Progress(1)
