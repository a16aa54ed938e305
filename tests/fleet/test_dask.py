"""A real Dask cluster of two worker processes: sessions, the window, a killed worker, a stop."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import fleet
from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.leases import endings
from ..support.waiting import wait_for
from .cluster import QUIET

SIMULATOR = {"disk_size": 1 << 20}
pytestmark = QUIET


def jobs_of(
    simulator: Simulator, session: fleet.SessionFrom, count: int, directory: Path
) -> list[fleet.ExportJob]:
    names = [unique("dask") for _ in range(count)]
    for name in names:
        simulator.add_vm(name, disks=1, nvram=False)
    return [fleet.ExportJob(session, name, f"{directory}/{{vm}}.ova") for name in names]


@pytest.mark.parametrize("is_client", [True, False])
def test_exports_on_two_workers_verify_and_keep_within_the_cap(
    simulator: Simulator, plain: fleet.SessionFrom, client: Any, tmp_path: Path, is_client: bool
) -> None:
    jobs = jobs_of(simulator, plain, 24, tmp_path)
    executor = client if is_client else client.get_executor()
    summary = fleet.run(jobs, executor=executor, per_host=2)
    assert len(summary.done) == 24
    assert all(nfclease.verify(each.target) for each in summary.done)
    assert peak(simulator) <= 2
    logins = len(simulator.calls("Login"))
    assert logins <= 3  # each worker's, and that of the plan
    wait_for(lambda: len(simulator.calls("Logout")) == logins)


def peak(simulator: Simulator) -> int:
    """Streams that moved at once."""
    moments = [(each["started"], 1) for each in simulator.requests()]
    moments += [(each["ended"], -1) for each in simulator.requests()]
    most = now = 0
    for _, change in sorted(moments):
        now += change
        most = max(most, now)
    return most


def test_the_jobs_of_a_worker_that_is_killed_run_elsewhere(
    simulator: Simulator, plain: fleet.SessionFrom, client: Any, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=300_000)
    jobs = jobs_of(simulator, plain, 8, tmp_path)
    pids = client.run(os.getpid)
    assert len({*pids.values()}) == 2

    def kill() -> None:
        wait_for(lambda: len(simulator.requests()) >= 4, 60)
        os.kill(min(pids.values()), signal.SIGKILL)
        simulator.clear()

    killer = threading.Thread(target=kill)
    killer.start()
    summary = fleet.run(jobs, executor=client, per_host=4, retry_delay=0.5)
    killer.join()
    assert len(summary.done) == 8
    assert all(nfclease.verify(each.target) for each in summary.done)
    assert max(Counter(each.key for each in summary.outcomes).values()) == 1
    assert len(simulator.calls("ExportVm")) > 8  # some began anew


def test_a_stop_reaches_busy_workers(
    simulator: Simulator, plain: fleet.SessionFrom, client: Any, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=20_000)
    jobs = jobs_of(simulator, plain, 8, tmp_path)

    begun: list[str] = []

    def fails(event: fleet.Event) -> None:
        begun.extend([event.key] if event.kind == "started" else [])
        if len(begun) == 2:  # the second is not on its way yet
            wait_for(lambda: simulator.requests(), 60)
            raise ZeroDivisionError("mine")

    results: list[str] = []
    with pytest.raises(ZeroDivisionError):
        fleet.run(
            jobs,
            executor=client,
            per_host=2,
            progress=fails,
            on_result=lambda outcome: results.append(outcome.state),
        )
    assert results == ["cancelled"] * 8
    wait_for(lambda: len(endings(simulator)) >= 1)
    assert "HttpNfcLeaseComplete" not in endings(simulator)
    assert [*tmp_path.glob("*.ova")] == []
